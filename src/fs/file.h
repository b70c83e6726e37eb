/*
 * file.h - what src/fs itself needs of open regular files.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "state.h"

/* Room on the disk for transactions that data leaves free, in bytes. */
#define FILE_ROOM_SPARE (256u << 10)

#endif
