/*
 * memory.h - allocations that fail as they are told to: one, or all from then on but for what was freed since. The
 * program's own are made between memory_pause(true) and memory_pause(false).
 */
#ifndef FAULTS_MEMORY_H
#define FAULTS_MEMORY_H

#include <stdbool.h>

/* at: the allocation that fails, from 1; 0: none, they are only counted. Not paused. */
void memory_begin(unsigned long at, bool for_ever);
/* The allocations since. None fails any more. */
unsigned long memory_end(void);
void memory_pause(bool on);

#endif
