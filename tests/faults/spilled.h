/*
 * spilled.h - put before everything else in the sources of the write buffer that the tests of faults compile: the system
 * calls that they make on spill files go through failing.c.
 */
#ifndef FAULTS_SPILLED_H
#define FAULTS_SPILLED_H

#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "failing.h"

#define openat    spilled_openat
#define pwrite    spilled_pwrite
#define pread     spilled_pread
#define fallocate spilled_fallocate

#endif
