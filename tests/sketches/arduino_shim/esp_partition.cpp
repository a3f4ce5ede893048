/* Partitions are those of the file that KT_PARTITIONS names (a sketch's partitions.csv); the flash is the file that
 * KT_FLASH names. Without them there is no partition. */
#include "esp_partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

struct esp_partition_iterator_opaque_ {
    FILE *table;
    esp_partition_t here;
};

esp_partition_iterator_t esp_partition_next(esp_partition_iterator_t iterator)
{
    char line[200];
    while (fgets(line, sizeof line, iterator->table) != nullptr) {
        char type[8];
        const int read = sscanf(line, "%16[^,], %7[^,], %*[^,], %x, %x", iterator->here.label, type,
                                &iterator->here.address, &iterator->here.size);
        if (read == 4 && strcmp(type, "data") == 0) {
            return iterator;
        }
    }
    esp_partition_iterator_release(iterator);
    return nullptr;
}

esp_partition_iterator_t esp_partition_find(esp_partition_type_t type, esp_partition_subtype_t, const char *)
{
    const char *const path = getenv("KT_PARTITIONS");
    FILE *const table = path != nullptr ? fopen(path, "r") : nullptr;
    if (table == nullptr) {
        return nullptr;
    }
    esp_partition_iterator_t const iterator = new esp_partition_iterator_opaque_();
    iterator->table = table;
    iterator->here.type = type;
    return esp_partition_next(iterator);
}

const esp_partition_t *esp_partition_get(esp_partition_iterator_t iterator)
{
    return &iterator->here;
}

/* ESP-IDF's partitions stay when their iterator goes. */
void esp_partition_iterator_release(esp_partition_iterator_t iterator)
{
    if (iterator != nullptr && iterator->table != nullptr) {
        fclose(iterator->table);
        iterator->table = nullptr;
    }
}

esp_err_t esp_partition_mmap(const esp_partition_t *partition, size_t offset, size_t size, esp_partition_mmap_memory_t,
                             const void **mapped, esp_partition_mmap_handle_t *handle)
{
    const char *const path = getenv("KT_FLASH");
    FILE *const flash = path != nullptr ? fopen(path, "rb") : nullptr;
    if (flash == nullptr) {
        return ESP_FAIL;
    }
    const off_t at = static_cast<off_t>(partition->address + offset);
    void *const memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fileno(flash), at);
    fclose(flash);
    *mapped = memory;
    *handle = 1;
    return memory != MAP_FAILED ? ESP_OK : ESP_FAIL;
}
