/* Runs kt_detect on bare metal on made-up outputs and prints its instructions and how many objects it found. */
#include "bench.h"
#include "detector.h"

enum { WORK = 200, LIMIT = 100 };

extern const int8_t detect_classes[];
extern const int8_t detect_boxes[];

static kt_object work[WORK];
static kt_object found[LIMIT];

static void print_number(const char *label, uint64_t value)
{
    char text[24];
    int at = sizeof text - 1;
    text[at] = '\0';
    do {
        text[--at] = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0U);
    machine_print(label);
    machine_print(&text[at]);
    machine_print("\n");
}

int main(void)
{
    machine_start_timer();
    (void)machine_elapsed();
    const int count = kt_detect(&detector, detect_classes, detect_boxes, work, WORK, found, LIMIT);
    print_number("total ", machine_elapsed());
    print_number("objects ", (uint64_t)(count < 0 ? 0 : count));
    machine_exit();
}
