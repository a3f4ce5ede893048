/* What is known of a fault that ended the program (docs/reference/protocol.md, "FAULT"). */
#ifndef KT_FAULT_H
#define KT_FAULT_H

#include <stdint.h>

/* Causes on the wire. */
typedef enum {
    KT_FAULT_NONE = 0,
    KT_FAULT_HARD = 1,           /* of no other kind */
    KT_FAULT_MEMORY = 2,         /* an address that may not be read, written or executed */
    KT_FAULT_BUS = 3,            /* an address where nothing answers */
    KT_FAULT_INSTRUCTION = 4,    /* undefined, or in a state that does not allow it */
    KT_FAULT_ALIGNMENT = 5,      /* an address that is no multiple of what is accessed */
    KT_FAULT_DIVISION = 6,       /* by zero */
    KT_FAULT_STACK_OVERFLOW = 7, /* the stack grew into its guard */
    KT_FAULT_ARENA_OVERFLOW = 8, /* the model wrote beside its arena */
    KT_FAULT_ASSERTION = 9,
    KT_FAULT_INTERRUPT = 10, /* one that nobody handles */
    KT_FAULT_CAUSES,
} kt_fault_cause;

/* Registers are 0 where they are not known. */
typedef struct {
    uint32_t cause;       /* kt_fault_cause */
    uint32_t pc;          /* of the instruction */
    uint32_t lr;          /* its return address */
    uint32_t sp;          /* stack pointer before the fault */
    uint32_t status;      /* CFSR on Arm, mcause on RISC-V */
    uint32_t hard_status; /* HFSR on Arm */
    uint32_t address;     /* that was accessed: MMFAR or BFAR, mtval */
} kt_fault;

#endif
