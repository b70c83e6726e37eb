/*
 * operations_parts.h - what the parts of operations.h share. Nobody else includes it.
 */
#ifndef OPERATIONS_PARTS_H
#define OPERATIONS_PARTS_H

#include "harness.h"
#include "model.h"

extern struct model ops_model;
extern long ops_number; /* of the operation that runs */

/* 0 to n - 1, as the caller of operations_begin() chooses. */
uint32_t ops_below(uint32_t n);
/* An inode in use that fits; -1: there is none. */
int ops_pick(bool (*fits)(const struct model_inode *i));
bool ops_is_open(const struct model_inode *i);
/* Ends the test where the result is not the expected one. */
void ops_check(int is, int expected, const char *what);

/* operations_contents.c */
void op_open(void);
void op_write(void);
void op_truncate(void);
void op_allocate(void);
void op_copy(void);
void op_flush(void);
void op_release(void);
void op_write_whole(void);
void op_sync(void);
/* Closes an open file of the model. */
void ops_release(int inode);

#endif
