/*
 * The inside of a team of processes: when a region is over after a worker has died. Its end is told by the states of
 * its steps then; but a worker that has marked its last step still has to count it, and must not do so in the next
 * region.
 */
#include "engine.h"

#include "pool/keeper.h"
#include "pool/process.h"
#include "pool/team.h"

enum { STEPS = 5 };

static struct team *team;
static unsigned wrong_seats;

/* As seen from a step. */
static int run(void *data, size_t chunk, void *slot)
{
	wrong_seats += atomic_load(&team->seats[1].post) != 3 || atomic_load(&team->seats[0].post) != 0;
	*(char *)slot = (char)(chunk + 1);
	return chunk == 4 ? -7 : 0;
}

/* Open the third post for a region of STEPS chunks, as its caller would. */
static struct post *open_region(uint64_t generation, char *slots)
{
	struct post *post = &team->posts[2];
	post->run = run;
	post->slots = slots;
	post->slot_size = 1;
	post->chunks = STEPS;
	post->unit = 1;
	post->items = STEPS;
	post->batch = 2;
	post->stop = STOP_NONE;
	post->stopped_at = SIZE_MAX;
	post->done = 0;
	for (uint32_t step = 0; step < STEPS; step++)
		team->states[2][step] = STATE(generation, STATE_FREE, 0);
	post->open = 1;
	post->steps = STEPS;
	post->ticket = generation << TICKET_BITS;
	team->posts_used = 3;
	return post;
}

static uint32_t run_all(void)
{
	struct claimant who = { .seat = 1 };
	struct claim claim;
	uint32_t claims = 0;
	for (; team_claim(team, &who, &claim); claims++)
		claim_run(team, &claim, &team->seats[1]);
	return claims;
}

static void test_leaving(void)
{
	char slots[STEPS] = { 0 };
	struct post *post = open_region(7, slots);
	tap_ok(!post_is_left(team, post, STEPS), "a region that was just opened is not over");
	tap_is_int(run_all(), 3, "five steps are claimed two at a time");
	tap_is_int(post->done & DONE_COUNT, STEPS, "all are counted");
	tap_ok(memcmp(slots, "\1\2\3\4\5", STEPS) == 0, "all were run");
	tap_is_int(wrong_seats, 0, "while a step runs its worker's seat says where");
	tap_is_int(team->seats[1].post, 0, "and not any more afterwards");
	tap_ok(post_is_left(team, post, STEPS), "the region is over");
	tap_is_int((int32_t)(uint32_t)post->stop, -7, "with what its last step returned");
	team->seats[0].post = 2;
	tap_ok(post_is_left(team, post, STEPS), "also while somebody is at another post");
	team->seats[0].post = 3;
	tap_ok(!post_is_left(team, post, STEPS), "but not while somebody has not counted there yet");
	team->seats[0].post = 0;
	team->states[2][3] = STATE(7, STATE_BEGUN, 0);
	tap_ok(!post_is_left(team, post, STEPS), "nor while a step runs");
}

/* Worker 0 has drawn a ticket, and died before it marked its step. */
static void test_freed(void)
{
	char slots[STEPS] = { 0 };
	struct claimant dead = { .seat = 0 };
	struct claim claim;
	struct post *post = open_region(8, slots);
	tap_ok(post_claim(team, post, &dead, &claim) && claim.first == 0 && claim.count == 2,
		"two steps drawn");
	run_all();
	tap_ok(!post_is_left(team, post, STEPS) && slots[0] == 0 && slots[2] == 3, "the others are run");
	tap_ok(!post_has_freed(team, post), "nobody looks for lost steps yet");
	atomic_fetch_or(&post->done, DONE_CAREFUL);
	tap_ok(post_has_freed(team, post), "after a death somebody does");
	tap_is_int(run_all(), 2, "and finds both");
	tap_ok(post_is_left(team, post, STEPS) && memcmp(slots, "\1\2\3\4\5", STEPS) == 0, "all were run");
}

int main(void)
{
	engine_begin();
	if (team_create(&team, true, 4, 0) < 0)
		return tap_skip_all("no memory for a team");
	test_leaving();
	test_freed();
	team_destroy(team);
	return tap_done();
}
