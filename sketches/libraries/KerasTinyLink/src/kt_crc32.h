/* CRC-32 as in IEEE 802.3 and zlib: reflected, polynomial 0x04C11DB7. Table of 64 bytes, 2 steps per byte.
 *
 *   uint32_t crc = kt_crc32(0, "1234", 4);
 *   crc = kt_crc32(crc, "56789", 5);        now 0xCBF43926 */
#ifndef KT_CRC32_H
#define KT_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CRC-32 of `count` bytes that follow bytes of CRC-32 `crc` (0 for none). */
uint32_t kt_crc32(uint32_t crc, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
