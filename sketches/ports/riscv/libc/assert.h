/* C99 7.2: an assertion that does not hold is reported as a fault. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
__attribute__((noreturn)) void kt_assert_failed(int line, const char *condition);
#define assert(condition) ((condition) ? (void)0 : kt_assert_failed(__LINE__, #condition))
#endif
