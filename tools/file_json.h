/*
 * file_json.h - the attributes of a file as JSON, the same in `reel ls` and `reel stat`.
 */
#ifndef REEL_TOOLS_FILE_JSON_H
#define REEL_TOOLS_FILE_JSON_H

#include "fs.h"
#include "text.h"

/* Begins an object with the attributes; json_end() is the caller's. `target` is used of a symbolic link. */
void json_file_begin(struct json *j, const char *path, const struct fs_attr *a, const char *target);

#endif
