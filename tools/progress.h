/*
 * progress.h - a progress bar on standard error, for what takes longer than a second, and only when
 * standard error is a terminal.
 * Relies on a thread of its own that draws, so that a long call without news still shows the time.
 */
#ifndef REEL_TOOLS_PROGRESS_H
#define REEL_TOOLS_PROGRESS_H

#include <stdint.h>

/*
 * From here on the bar may appear. `what` begins its line and must stay valid; `total` bytes are to be done, 0: it is
 * not known how many. Begun twice it starts again.
 */
void progress_begin(const char *what, uint64_t total);

/* How far it is. Cheap; any thread. Without a bar both do nothing that shows. */
void progress_set(uint64_t done, uint64_t total);
void progress_add(uint64_t bytes);

/* Takes the bar off the terminal while lines are printed, and lets it come back. */
void progress_pause(void);
void progress_resume(void);

/* Takes it off for good. Allowed without a begin. */
void progress_end(void);

#endif
