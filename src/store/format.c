/*
 * format.c - the generations of the format. One table, so that a generation is told by its address. Never changed.
 */
#include "config.h"

#include "format.h"

const struct generation GENERATIONS[GENERATION_COUNT] = {
    {.id = 64, .pad = 64, .trailer = 20, .shortest = 1, .crc_mask = 0xffffffff, .written = "0.15 and later"},
    {.id = 16, .pad = 16, .trailer = 20, .shortest = 1, .crc_mask = 0xffffffff, .written = "0.14"},
    {.id = 1, .pad = 1, .trailer = 20, .shortest = 1, .crc_mask = 0xffffffff, .written = "0.1.0-alpha3 to 0.13"},
    {.id = 0, .pad = 1, .trailer = 19, .shortest = 0, .crc_mask = 0x00ffffff, .written = "0.1.0-alpha and -alpha2"},
};

const struct generation GENERATION_WITHOUT_DELETIONS = {
    .id = 0,
    .pad = 1,
    .trailer = 19,
    .shortest = 0,
    .crc_mask = 0x00ffffff,
    .no_deletions = true,
    .written = "0.1.0-alpha",
};
