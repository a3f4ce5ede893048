/* Plain loops; words where both ends allow it. */
#include <stdint.h>
#include <string.h>

/* Keeps the compiler from turning these loops into calls of themselves. */
#define KT_NO_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))

typedef uint32_t __attribute__((may_alias)) word;

KT_NO_IDIOM void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((((uintptr_t)out | (uintptr_t)in) & 3) == 0) {
        for (; count >= 4; count -= 4) {
            *(word *)(void *)out = *(const word *)(const void *)in;
            out += 4;
            in += 4;
        }
    }
    while (count-- > 0) {
        *out++ = *in++;
    }
    return to;
}

KT_NO_IDIOM void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + count) {
        return memcpy(to, from, count);
    }
    while (count-- > 0) {
        out[count] = in[count];
    }
    return to;
}

KT_NO_IDIOM void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    while (count-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

KT_NO_IDIOM int memcmp(const void *a, const void *b, size_t count)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    for (; count > 0; --count, ++left, ++right) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}

KT_NO_IDIOM size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    return length;
}
