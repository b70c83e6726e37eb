/*
 * memory.h - how much memory the daemon may take.
 */
#ifndef REELFS_MEMORY_H
#define REELFS_MEMORY_H

#include "options.h"

/*
 * Sets what was not asked for with -o memory= from the machine and from the control groups that the process is in, and bounds
 * what goes by it: the number of threads, and how the allocator spreads over them. To be called before there are threads.
 */
void memory_decide(struct options *o);

#endif
