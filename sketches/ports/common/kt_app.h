/* The application that kt_compiled.c makes of a compiled model and of kt_model_facts.h, which is generated. */
#ifndef KT_APP_H
#define KT_APP_H

#include "kt_board.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The application; its tensors lie in an arena of its own. */
const kt_board_app *kt_app(void);

/* CRC-32 of the model's constants in flash; `mcu build` writes it into the linked image. */
extern const volatile uint32_t kt_app_constants_crc32;

#ifdef __cplusplus
}
#endif

#endif
