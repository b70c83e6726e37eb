/*
 * filetype.h - what bytes are, as file(1) says it.
 */
#ifndef REEL_TOOLS_FILETYPE_H
#define REEL_TOOLS_FILETYPE_H

#include <stddef.h>

/* As fs_type_fn (fs.h); `arg` is not used. Nothing where it was built without libmagic. */
void filetype_text(void *arg, const void *bytes, size_t len, char *text, size_t size);
/* Frees what the calls before have loaded. */
void filetype_end(void);

#endif
