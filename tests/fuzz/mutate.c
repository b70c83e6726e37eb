/*
 * mutate.c - the mutator of the harnesses whose inputs are whole containers: changes them as libFuzzer does, and makes
 * checksums and seals good again, so that what is behind them is reached. For libFuzzer alone.
 */
#include "config.h"

#include "fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max);
	reseal(data, size, seed);
	return size;
}
