/*
 * no_room.h - what keeps bytes from being written: a limit on the size of files, or a full disk.
 */
#ifndef NO_ROOM_H
#define NO_ROOM_H

#include "harness.h"

#include <sys/resource.h>

enum { LIMIT, DISK, KINDS };

/* A checked fixture. */
void no_room_set_up(void);
void no_room_tear_down(void);
/* An open container where there will be no room: on a small tmpfs. False: it cannot be had. */
bool no_room_begin(int kind);
/* Room for `more` bytes from now on, beside what is allocated to the container already. */
void no_room_leave(int kind, size_t more);
/* There is room again. */
void no_room_end(int kind);
/* The limit alone. Uses none of Check's assertions: they write to a file that it is for as well. */
void no_room_limit(rlim_t size);
/* Makes directories in what is left, and then what needs less. The error that ends it. */
int no_room_fill_up(void);
bool is_no_room(int r);

#endif
