/*
 * nul_values.h - what `reel convert --nul=value` does with values of one NUL byte.
 */
#ifndef REEL_TOOLS_NUL_VALUES_H
#define REEL_TOOLS_NUL_VALUES_H

#include "common.h"
#include "reel.h"

/*
 * Makes each live value of one NUL byte in the container `from`, of the oldest generation, a file in the root directory of
 * `to`, named by the hash of its key. Synced when it returns. A negative errno value: `to` has some of them.
 */
int nul_values_add(const char *from, const char *to);

#endif
