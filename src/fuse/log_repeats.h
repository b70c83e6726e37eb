/*
 * log_repeats.h - what has been told lately, and how often it came again (L2 in docs/DESIGN.md).
 * Two messages are the same when they differ in nothing but numbers that stand alone: one thing at several offsets.
 * Any thread may call any function.
 */
#ifndef REELFS_LOG_REPEATS_H
#define REELFS_LOG_REPEATS_H

#include <stdbool.h>

#define REPEATS_TOLD   3   /* at once: what ends and begins anew is no repetition yet */
#define REPEATS_EACH_S 60  /* the same is told again after this time, with a count */
#define REPEATS_KNOWN  256 /* different messages in that time; others are only counted */
#define REPEATS_TEXT   640

/* True: it is to be told now. Otherwise it is counted, and repeats_take() tells of it. */
bool repeats_pass(int priority, int to, const char *text);

/* Whether something has been counted and not been told. */
bool repeats_waiting(void);

/* Something that was counted and is due, or, `all`, not due either: its line, and where it goes. False: there is nothing. */
bool repeats_take(bool all, int *priority, int *to, char text[REPEATS_TEXT]);

#endif
