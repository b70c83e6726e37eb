/*
 * guard.c - keeps the process alive when a page of a mapped container cannot be had (map.h,
 * "Faults"), and knows which pages those were, so that they can be had later. Owns the process's SIGBUS handler once installed;
 * every fault elsewhere goes to the handler that was there before. The handler uses only what a signal handler may use.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"
#include "map.h"

/* Containers mapped at one time beyond this many are not guarded. */
enum { GUARDED = 256 };

/* Of so many pages that failed last it is known which they were; of more, only that there were some. */
enum { FAULTS_KNOWN = 64 };

/* Read by the handler at any moment: a base of 0 is an empty slot, and the rest is set before base. */
static struct guarded {
	_Atomic uintptr_t base;
	_Atomic size_t len;
	_Atomic uint64_t begun, ended; /* pages that the handler has replaced: before and after it notes which */
	_Atomic uintptr_t page[FAULTS_KNOWN];
	_Atomic uintptr_t low, high; /* those that still are zeros lie in [low, high]; none: low is above high */
} guarded[GUARDED];

/* Protects changes of guarded[] and the installation. */
static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool installed;
atomic_bool guard_hit;
static struct sigaction earlier;
static uintptr_t page_size = 4096;

int guard_add(const uint8_t *base, size_t len)
{
	int slot = -1;

	pthread_mutex_lock(&guard_lock);
	for (int i = 0; slot < 0 && i < GUARDED; i++) {
		struct guarded *g = &guarded[i];
		if (atomic_load(&g->base) != 0)
			continue;
		slot = i;
		atomic_store(&g->len, len);
		atomic_store(&g->begun, 0);
		atomic_store(&g->ended, 0);
		atomic_store(&g->low, UINTPTR_MAX);
		atomic_store(&g->high, 0);
		atomic_store(&g->base, (uintptr_t)base);
	}
	pthread_mutex_unlock(&guard_lock);
	return slot;
}

void guard_remove(int slot)
{
	if (slot < 0)
		return;
	pthread_mutex_lock(&guard_lock);
	atomic_store(&guarded[slot].base, 0);
	pthread_mutex_unlock(&guard_lock);
}

uint64_t guard_faults(int slot)
{
	struct guarded *g = &guarded[slot < 0 ? 0 : slot];
	uint64_t begun = slot < 0 ? 0 : atomic_load(&g->begun);

	/* What a handler is about to note is as good as noted. */
	while (slot >= 0 && atomic_load(&g->ended) < begun)
		sched_yield();
	return begun;
}

bool guard_failed(int slot, uint64_t since, uint64_t offset, uint64_t len, uint64_t *ret)
{
	uint64_t n = guard_faults(slot);

	if (n == since)
		return false;
	*ret = offset;
	if (n - since > FAULTS_KNOWN)
		return true;
	const struct guarded *g = &guarded[slot];
	for (; since < n; since++) {
		uint64_t page = atomic_load(&g->page[since % FAULTS_KNOWN]) - atomic_load(&g->base);
		if (page + page_size <= offset || page >= offset + len)
			continue;
		*ret = page > offset ? page : offset;
		return true;
	}
	return false;
}

bool guard_take_zeros(int slot, uint64_t *offset, uint64_t *len)
{
	struct guarded *g = &guarded[slot < 0 ? 0 : slot];

	if (slot < 0 || atomic_load(&g->low) == UINTPTR_MAX)
		return false;
	uintptr_t low = atomic_exchange(&g->low, UINTPTR_MAX), high = atomic_exchange(&g->high, 0),
		  base = atomic_load(&g->base);
	/* The one that a handler is about to note is taken the next time. */
	if (low > high)
		low = low == UINTPTR_MAX ? high : low, high = low;
	if (low == 0)
		return false;
	*offset = low - base;
	*len = high - low + page_size;
	return true;
}

static void note_zeros(struct guarded *g, uintptr_t page)
{
	uintptr_t seen = atomic_load(&g->high);

	while (page > seen && !atomic_compare_exchange_weak(&g->high, &seen, page))
		;
	seen = atomic_load(&g->low);
	while (page < seen && !atomic_compare_exchange_weak(&g->low, &seen, page))
		;
}

void guard_put_zeros(int slot, uint64_t offset, uint64_t len)
{
	struct guarded *g = &guarded[slot];

	note_zeros(g, atomic_load(&g->base) + offset + len - page_size);
	note_zeros(g, atomic_load(&g->base) + offset);
}

bool guard_installed(void)
{
	return atomic_load_explicit(&installed, memory_order_relaxed);
}

static struct guarded *find_guarded(uintptr_t address)
{
	for (int i = 0; i < GUARDED; i++) {
		uintptr_t base = atomic_load(&guarded[i].base);
		if (base != 0 && address >= base && address - base < atomic_load(&guarded[i].len))
			return &guarded[i];
	}
	return NULL;
}

/* The access is repeated on return, and finds zeros. True: it will. */
static bool replace(struct guarded *g, uintptr_t page)
{
	if (mmap((void *)page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	atomic_store(&guard_hit, true);
	uint64_t n = atomic_fetch_add(&g->begun, 1);
	atomic_store(&g->page[n % FAULTS_KNOWN], page);
	note_zeros(g, page);
	atomic_fetch_add(&g->ended, 1);
	return true;
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	if (earlier.sa_flags & SA_SIGINFO) {
		earlier.sa_sigaction(sig, info, context);
	} else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
		earlier.sa_handler(sig);
	} else {
		/* The access is repeated on return, and then ends the process as it would have. */
		signal(sig, SIG_DFL);
		if (info->si_code <= 0) /* sent by kill(2): nothing repeats it */
			raise(sig);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	uintptr_t address = (uintptr_t)info->si_addr;
	struct guarded *g = info->si_code > 0 ? find_guarded(address) : NULL;

	if (g == NULL || !replace(g, address & ~(page_size - 1)))
		pass_on(sig, info, context);
	errno = saved;
}

int reel_guard_faults(void)
{
	int err = 0;

	pthread_mutex_lock(&guard_lock);
	if (!installed) {
		struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
		page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
		sigemptyset(&action.sa_mask);
		/* Known before the handler can run, which needs it. */
		if (sigaction(SIGBUS, NULL, &earlier) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
			err = -errno;
		else
			installed = true;
	}
	pthread_mutex_unlock(&guard_lock);
	return err;
}
