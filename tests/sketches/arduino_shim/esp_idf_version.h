/* Of ESP-IDF 5, as arduino-esp32 3 has it. */
#ifndef ESP_IDF_VERSION_H
#define ESP_IDF_VERSION_H

#define ESP_IDF_VERSION_MAJOR 5

#endif
