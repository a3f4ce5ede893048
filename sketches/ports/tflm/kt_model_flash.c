/* kt_model_facts.h says the address: of a data partition on an ESP, of the upper half of flash on an STM32. */
#include "kt_model_flash.h"

#include <stddef.h>

#include "kt_model_facts.h"

#if defined(KT_FACTS_MODEL_FLASH) && defined(ARDUINO_ARCH_ESP32)

#include <esp_idf_version.h>
#include <esp_partition.h>

#if ESP_IDF_VERSION_MAJOR >= 5
#define KT_MMAP_DATA ESP_PARTITION_MMAP_DATA
typedef esp_partition_mmap_handle_t mmap_handle;
#else
#define KT_MMAP_DATA SPI_FLASH_MMAP_DATA
typedef spi_flash_mmap_handle_t mmap_handle;
#endif

/* By its address, whatever it is called: Arduino's own table of a 4 MB flash has a partition there, too. */
static const esp_partition_t *partition_at(uint32_t address)
{
    esp_partition_iterator_t at = esp_partition_find(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL);
    const esp_partition_t *found = NULL;
    while (at != NULL && found == NULL) {
        const esp_partition_t *const partition = esp_partition_get(at);
        if (partition->address == address) {
            found = partition;
        } else {
            at = esp_partition_next(at);
        }
    }
    esp_partition_iterator_release(at);
    return found;
}

const void *kt_model_flash(uint32_t *capacity)
{
    const esp_partition_t *const partition = partition_at(KT_FACTS_MODEL_FLASH);
    const void *mapped = NULL;
    mmap_handle handle;
    if (partition == NULL ||
        esp_partition_mmap(partition, 0, partition->size, KT_MMAP_DATA, &mapped, &handle) != ESP_OK) {
        return NULL;
    }
    *capacity = (uint32_t)partition->size;
    return mapped;
}

#elif defined(KT_FACTS_MODEL_FLASH) && defined(ARDUINO_ARCH_STM32)

const void *kt_model_flash(uint32_t *capacity)
{
    *capacity = KT_FACTS_MODEL_FLASH_BYTES;
    return (const void *)(uintptr_t)KT_FACTS_MODEL_FLASH;
}

#else

const void *kt_model_flash(uint32_t *capacity)
{
    *capacity = 0;
    return NULL;
}

#endif
