/*
 * A withdrawd of the test's own, with one worker, that is broken again and
 * again; and what must hold each time after it. It is spoken to without nginx
 * in between, which would send again what got lost.
 *
 * Such tests do a sample in the course of all tests, and all of it with
 * FAULTS=all (make faults). What a sample is made of follows from a seed, which
 * is printed, and which FAULTS_SEED sets.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "http.h"
#include "instance.h"
#include "order.h"

struct victim {
	struct instance instance;
	const char *name;   /* Postgres knows its connections by it */
	const char *user;   /* whose orders meet the faults */
	const char *other;  /* who comes after them */
	long succeeded;     /* orders of the user so far, a cent each */
	size_t descriptors; /* of a worker at rest */
};

/* Starts it with settings {"NAME=value", …, NULL} beside its own; waits until
 * it serves and all its connections are there. */
struct victim victim_start(const char *const *settings);

/* Waits for a worker that is at rest: all its connections to Postgres are
 * there, and it has no more descriptors than the first one had. */
pid_t victim_rest(const struct victim *victim);
/* How many descriptors a process has open. */
size_t descriptors_of(pid_t pid);

/* An order of the user, of 0.01. */
struct order victim_order(const struct victim *victim);
/* The page's calls. Status 0: the connection ended without an answer. */
struct http_response victim_ask(
    const struct victim *victim, const struct http_request *request);
/* The same in two halves. */
int victim_begin(
    const struct victim *victim, const struct http_request *request);
struct http_response victim_finish(int fd);
/* The same until there is an answer that says more than "ask again": on a slow
 * machine a single one may not. */
struct http_response victim_learn(
    const struct victim *victim, const struct http_request *request);
/* A token of the order; waits until one is given. */
const char *victim_token(
    const struct victim *victim, const struct order *order);
/* The same order with fresh tokens until the answer is final. */
struct http_response victim_settle(
    const struct victim *victim, const struct order *order);

/* An answer to this order that came while things went wrong: none, an honest
 * "ask again", or the success (which then is to be the one that stands). Fails
 * the test for any other. */
void expect_bearable(
    const struct http_response *answer, const struct order *order);

/* Brings the order to its end, and then: one debit, one record, one entry; the
 * balance; the answer is the record's, each time; `first`, if it was final, is
 * the same; the next user is served with what is theirs. */
void victim_expect_one_debit(struct victim *victim, const struct order *order,
    const struct http_response *first);

/* FAULTS=all was said. */
bool faults_all(void);
/* A random number below n, of the seed. */
size_t faults_random(size_t n);

#endif
