/*
 * operations.h - operations on the file system that is open in the harness (h_fs) and on a model of it (model.h), with
 * closings, crashes, checkpoints and compactions, by another program too, among them. Both stay the same, or the test
 * ends. Which operation comes next, and on what, is the caller's choice.
 */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <stdint.h>

/* A number from 0 to n - 1. */
typedef uint32_t (*operations_choose_fn)(void *arg, uint32_t n);

/* On an empty file system. One such sequence at a time. */
void operations_begin(operations_choose_fn fn, void *arg);
/* One more operation. `run` names the sequence in messages. */
void operations_run(const char *run);
/* Closes everything, and compares once more. */
void operations_end(void);

#endif
