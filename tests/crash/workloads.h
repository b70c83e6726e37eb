/*
 * workloads.h - what the parts of the table of workloads share.
 */
#ifndef CRASH_WORKLOADS_H
#define CRASH_WORKLOADS_H

#include "life.h"

/* Ends a workload for which no container is open: that a disk fails is no reason to stop else. */
#define with_fs(l)                                                                                                             \
	if (!(l)->fs)                                                                                                          \
	return

/* workloads_begun.c */
void workload_adopted(struct life *l);
void workload_adopted_vectors(struct life *l);
void workload_imported(struct life *l);
void workload_keys_of_vectors(struct life *l);
void workload_converted(struct life *l);
void workload_repaired(struct life *l);

#endif
