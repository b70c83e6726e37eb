/*
 * commit.c - see commit.h. Relies on the store for the atomicity of one append by its last entry, and
 * on apply.c for what records mean. Never changes the tree before its seal is in the container.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "apply.h"
#include "attr.h"
#include "ballast.h"
#include "checkpoint.h"
#include "commit.h"
#include "memory.h"
#include "room.h"

/* Below this a replay is short whatever the tree's size. */
#define REPLAY_SHORT (16u << 20)
/* A checkpoint at the end is worth its bytes once the transactions since are a quarter of it. */
#define CLEAN_SHARE 4
/* What an append has beside its contents and records, but for tombstones: pads, trailers, the seal. */
#define SEAL_ROOM 512u

static int append_entry(struct reel_append *a, uint64_t key_hash, const struct iovec *iov, int n)
{
	int r = reel_append_entry_begin(a, key_hash);

	for (int i = 0; r == 0 && i < n; i++)
		r = reel_append_data(a, iov[i].iov_base, iov[i].iov_len);
	return r < 0 ? r : reel_append_entry_end(a, NULL);
}

/* `r` is what became of the append's entries so far. */
static int end_append(struct reel_append *a, int r)
{
	if (r == 0)
		return reel_append_commit(a);
	reel_append_abort(a);
	return r;
}

/* Of an identity that there is already, or else of a new one. */
static int append_super(struct reel_append *a, struct fs_super *super)
{
	uint64_t position = reel_append_next_payload(a);
	struct iovec iov = {super, sizeof(*super)};
	int r = 0;

	if (super->version)
		super_place(super, position);
	else
		r = super_make(super, position);
	return r < 0 ? r : append_entry(a, reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1), &iov, 1);
}

/* Seals the body as the last entry of the append and ends the append, whatever comes of it. */
static int append_seal(struct fs *fs, struct reel_append *a, uint32_t flags, const struct body *body)
{
	struct fs_seal seal = {
	    .flags = flags | fs->writer << FS_SEAL_WRITER_SHIFT,
	    .sequence = fs->sequence + 1,
	    .position = reel_append_next_payload(a),
	    .append_start = reel_append_start(a),
	    .durable = reel_durable_tail(fs->store),
	    .previous = fs->last_seal,
	    .checkpoint = fs->last_checkpoint,
	};
	struct iovec iov[] = {{&seal, sizeof(seal)}, {body->bytes, body->len}};
	struct timespec now = fs_now();
	int r;

	seal.time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	seal_make(&fs->super, &seal, body->bytes, body->len);
	r = end_append(a, append_entry(a, seal_key_hash(&seal), iov, body->len ? 2 : 1));
	if (r < 0)
		return r;
	fs->sequence = seal.sequence;
	fs->last_seal = seal.position;
	fs->last_time_ns = seal.time_ns;
	fs->unbegun = false;
	fs->last_clean = flags & FS_SEAL_CLEAN;
	if (flags & FS_SEAL_CHECKPOINT) {
		fs->last_checkpoint = seal.position;
		fs->checkpoint_size = body->len;
		fs->replay_size = 0;
	} else {
		fs->replay_size += sizeof(seal) + body->len;
	}
	return 0;
}

/* Tombstones for all keys that died and are not those of other contents now. Tree lock held; *n: how many died. */
static int append_tombstones(const struct tree *t, struct reel_append *a, size_t *n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->dead_n; i++)
		if (!data_key_taken(&t->data, t->dead[i].key_hash))
			r = reel_append_tombstone(a, t->dead[i].key_hash);
	*n = t->dead_n;
	return r;
}

static void forget_tombstones(struct fs *fs, size_t n)
{
	struct tree *t = &fs->tree;

	if (n == 0)
		return;
	pthread_rwlock_wrlock(&fs->tree_lock);
	memmove(t->dead, t->dead + n, (t->dead_n - n) * sizeof(*t->dead));
	t->dead_n -= n;
	pthread_rwlock_unlock(&fs->tree_lock);
}

/*
 * A container that has no superblock where it should be gets one, which is on stable storage before the first seal: a seal
 * without it would be damage, and not a torn append. Once it is there the identity is this one for good.
 * In one that another program compacted it comes with the tombstones that are due: the first seal is a checkpoint, before
 * which no replay looks for them (invariant C3). Elsewhere they wait for the append after the first seal: torn off from it
 * they would be another program's.
 */
static int write_super(struct fs *fs)
{
	struct fs_super super = fs->super;
	struct reel_append *a;
	size_t tombstones = 0;
	int r = reel_append_begin(fs->store, &a);

	if (r < 0)
		return r;
	r = append_super(a, &super);
	if (r == 0 && fs->moved) {
		pthread_rwlock_rdlock(&fs->tree_lock);
		r = append_tombstones(&fs->tree, a, &tombstones);
		pthread_rwlock_unlock(&fs->tree_lock);
	}
	r = end_append(a, r);
	if (r < 0)
		return r;
	fs->super = super;
	fs->has_super = true;
	forget_tombstones(fs, tombstones);
	return reel_sync(fs->store);
}

/*
 * The first transaction of a writer is on stable storage before its first contents are written: from
 * then on, what no seal covers is known to be torn, not another program's (invariant S2).
 */
static int open_session(struct fs *fs)
{
	struct body body = {0};
	struct reel_append *a;
	uint32_t flags = FS_SEAL_OPEN;
	int r;

	r = fs->writer ? 0 : seal_draw_writer(&fs->writer);
	if (r == 0)
		r = reel_sync(fs->store);
	if (r == 0 && (!fs->has_super || fs->moved))
		r = write_super(fs);
	if (r < 0)
		return r;
	/* What is kept back from here on. On a disk that is full already the first transaction may fit all the same. */
	(void)room_for(fs, SEAL_ROOM, 0, false);
	if (fs->moved) {
		flags |= FS_SEAL_CHECKPOINT;
		memory_for_checkpoint(fs, &body);
		pthread_rwlock_rdlock(&fs->tree_lock);
		checkpoint_make(&fs->tree, &body);
		pthread_rwlock_unlock(&fs->tree_lock);
		if (body.error) {
			body_free(&body);
			return -ENOMEM;
		}
	}
	r = reel_append_begin(fs->store, &a);
	if (r < 0)
		goto out;
	r = append_seal(fs, a, flags, fs->moved ? &body : &fs->import);
	if (r == 0)
		r = reel_sync(fs->store);
	if (r < 0)
		goto out;
	fs->session_open = true;
	fs->moved = false;
	body_free(&fs->import);
out:
	body_free(&body);
	return r;
}

int tx_begin_contents(struct fs *fs, struct tx *tx)
{
	int r = 0;

	*tx = (struct tx){.fs = fs};
	pthread_mutex_lock(&fs->commit);
	if (fs->read_only || fs->lost || reel_failed(fs->store))
		r = -EROFS;
	else if (!fs->session_open)
		r = open_session(fs);
	if (r < 0)
		pthread_mutex_unlock(&fs->commit);
	return r;
}

void tx_build(struct tx *tx)
{
	pthread_rwlock_rdlock(&tx->fs->tree_lock);
	tx->reading = true;
}

int tx_begin(struct fs *fs, struct tx *tx)
{
	int r = tx_begin_contents(fs, tx);

	if (r == 0)
		tx_build(tx);
	return r;
}

static void stop_reading(struct tx *tx)
{
	if (tx->reading)
		pthread_rwlock_unlock(&tx->fs->tree_lock);
	tx->reading = false;
}

/* What was promised is being used: from here on others' promises come after this append. */
static void expect(struct tx *tx)
{
	reel_expect(tx->fs->store, tx->contents + tx->body.len + SEAL_ROOM);
	atomic_fetch_sub(&tx->fs->promised, tx->promised);
	tx->expected = true;
}

static void expect_no_more(struct tx *tx, bool used)
{
	if (!tx->expected)
		return;
	if (!used)
		atomic_fetch_add(&tx->fs->promised, tx->promised);
	reel_expect(tx->fs->store, 0);
	tx->expected = false;
}

int tx_append(struct tx *tx)
{
	int r;

	if (tx->append)
		return 0;
	/* The records are built; the tree lock comes after the append lock. */
	stop_reading(tx);
	r = room_for(tx->fs, tx->contents + tx->body.len + SEAL_ROOM, tx->promised, tx->removes);
	if (r == 0 && tx->promised > 0)
		expect(tx);
	if (r == 0)
		r = reel_append_begin(tx->fs->store, &tx->append);
	if (r < 0)
		return r;
	pthread_rwlock_rdlock(&tx->fs->tree_lock);
	r = append_tombstones(&tx->fs->tree, tx->append, &tx->tombstones);
	pthread_rwlock_unlock(&tx->fs->tree_lock);
	return r;
}

static void tx_end(struct tx *tx)
{
	stop_reading(tx);
	body_free(&tx->body);
	pthread_mutex_unlock(&tx->fs->commit);
}

void tx_abort(struct tx *tx)
{
	reel_append_abort(tx->append);
	expect_no_more(tx, false);
	tx_end(tx);
}

/* The container has the change: now the tree in memory gets it. */
static int apply(struct tx *tx, const struct tx_result *result)
{
	struct fs *fs = tx->fs;
	size_t bad;
	int r;

	pthread_rwlock_wrlock(&fs->tree_lock);
	r = apply_body(&fs->tree, tx->body.bytes, tx->body.len, reel_tail_offset(fs->store), &bad);
	if (r == -ENOMEM && ballast_drop(fs))
		r = apply_body(&fs->tree, tx->body.bytes, tx->body.len, reel_tail_offset(fs->store), &bad);
	if (r == 0)
		memory_grown(fs, tx->body.len);
	if (r < 0) {
		fs->lost = true;
	} else if (result) {
		struct inode *i = result->ino ? tree_inode(&fs->tree, result->ino) : NULL;

		if (result->committed)
			attr_committed(fs, result->committed, result->rest);
		if (i && result->lookup)
			i->lookups++;
		if (i && result->attr)
			attr_fill(i, result->attr);
		if (result->settle)
			tree_inode_settle(&fs->tree, result->settle);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	if (r < 0)
		fs_log(
		    fs, LOG_CRIT,
		    "%s: a change is in the container but not in memory (%s); nothing more is written: unmount and mount again",
		    reel_path(fs->store), strerror(-r));
	return r < 0 ? -EIO : 0;
}

/* The seal, and with it the end of the append. */
static int append_last(struct tx *tx, uint32_t flags)
{
	int r = append_seal(tx->fs, tx->append, flags, &tx->body);

	tx->append = NULL;
	if (r == 0)
		forget_tombstones(tx->fs, tx->tombstones);
	if (room_error(r))
		room_missing(tx->fs, r, tx->removes);
	return r;
}

int tx_commit(struct tx *tx, const struct tx_result *result)
{
	int r = tx->body.error;

	if (r == 0)
		r = ballast_take(tx->fs, &tx->body);
	if (r == 0)
		r = tx_append(tx);
	if (r < 0) {
		tx_abort(tx);
		return r;
	}
	stop_reading(tx);
	r = append_last(tx, 0);
	expect_no_more(tx, r == 0);
	if (r == 0)
		r = apply(tx, result);
	tx_end(tx);
	return r;
}

int tx_finish(struct tx *tx, int built, const struct tx_result *result)
{
	if (built == 0)
		return tx_commit(tx, result);
	tx_abort(tx);
	return built;
}

/* --- checkpoints -------------------------------------------------------------------------------------- */

static int write_seal(struct tx *tx, uint32_t flags)
{
	int r;

	if (flags & FS_SEAL_CHECKPOINT) {
		memory_for_checkpoint(tx->fs, &tx->body);
		pthread_rwlock_rdlock(&tx->fs->tree_lock);
		checkpoint_make(&tx->fs->tree, &tx->body);
		pthread_rwlock_unlock(&tx->fs->tree_lock);
	}
	r = tx->body.error ? tx->body.error : tx_append(tx);
	if (r < 0) {
		tx_abort(tx);
		return r;
	}
	r = append_last(tx, flags);
	tx_end(tx);
	return r;
}

/*
 * Before a checkpoint no replay looks for tombstones (invariant C3): those that are due, which an empty transaction takes
 * along, and all before them are on stable storage when it is written.
 */
static int before_checkpoint(struct tx *tx)
{
	int r = 0;

	if (tx->fs->tree.dead_n > 0) {
		r = tx_append(tx);
		if (r == 0)
			r = append_last(tx, 0);
	}
	return r < 0 ? r : reel_sync(tx->fs->store);
}

int commit_checkpoint(struct fs *fs)
{
	struct tx tx;
	/* What can be synced without the commit lock holds nobody up. */
	int r = reel_sync(fs->store);

	if (r == 0)
		r = tx_begin_contents(fs, &tx);
	if (r < 0)
		return r;
	r = before_checkpoint(&tx);
	if (r < 0) {
		tx_abort(&tx);
		return r;
	}
	return write_seal(&tx, FS_SEAL_CHECKPOINT);
}

bool commit_wants_checkpoint(struct fs *fs)
{
	bool wants;

	pthread_mutex_lock(&fs->commit);
	wants = fs->replay_size > REPLAY_SHORT && fs->replay_size > fs->checkpoint_size;
	pthread_mutex_unlock(&fs->commit);
	return wants;
}

static int write_clean(struct fs *fs, uint32_t flags)
{
	struct tx tx;
	int r = tx_begin_contents(fs, &tx);

	if (r < 0)
		return r;
	tx.removes = !(flags & FS_SEAL_CHECKPOINT);
	/* All that it speaks of is durable before it is written, so that the next opening has only it to check. */
	r = flags & FS_SEAL_CHECKPOINT ? before_checkpoint(&tx) : reel_sync(fs->store);
	if (r < 0) {
		tx_abort(&tx);
		return r;
	}
	return write_seal(&tx, flags);
}

int commit_clean(struct fs *fs)
{
	int r = -ENOSPC;

	if (!fs->session_open || fs->last_clean)
		return 0;
	if (fs->last_checkpoint == FS_NO_POSITION || fs->replay_size > fs->checkpoint_size / CLEAN_SHARE)
		r = write_clean(fs, FS_SEAL_CLEAN | FS_SEAL_CHECKPOINT);
	/* Without room for a checkpoint, the next opening has more to replay, and nothing else is different. */
	if (room_error(r) && !reel_failed(fs->store))
		r = write_clean(fs, FS_SEAL_CLEAN);
	return r < 0 ? r : reel_sync(fs->store);
}

int commit_first_super(struct fs *fs, struct reel_append *a)
{
	struct fs_super super = fs->super;
	int r = append_super(a, &super);

	if (r < 0)
		return r;
	fs->super = super;
	fs->has_super = true;
	return 0;
}

int commit_first(struct fs *fs, struct reel_append *a, const struct body *body)
{
	int r = body->error;

	if (r == 0 && !fs->has_super)
		r = commit_first_super(fs, a);
	if (r < 0) {
		reel_append_abort(a);
		return r;
	}
	return append_seal(fs, a, FS_SEAL_CHECKPOINT | FS_SEAL_CLEAN, body);
}
