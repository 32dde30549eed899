/* chain.c: see chain.h. */
#include "chain.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The method is fetched once: a fetch costs more than the hash. */
struct chain {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
};

struct chain *
chain_open(void)
{
	struct chain *chain = xcalloc(1, sizeof(*chain));

	chain->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	chain->ctx = EVP_MD_CTX_new();
	if (chain->sha256 == NULL || chain->ctx == NULL)
		fatalx("could not set up SHA-256: is libcrypto whole?");
	return chain;
}

void
chain_close(struct chain **chain)
{
	if (*chain == NULL)
		return;
	EVP_MD_CTX_free((*chain)->ctx);
	EVP_MD_free((*chain)->sha256);
	free(*chain);
	*chain = NULL;
}

static bool
add(struct chain *chain, struct chain_bytes bytes)
{
	return EVP_DigestUpdate(chain->ctx, bytes.data, bytes.len) == 1;
}

void
chain_hash(struct chain *chain, const struct chain_entry *e,
    unsigned char hash_r[CHAIN_HASH])
{
	static const unsigned char zeros[16];
	static const struct chain_bytes no_order = {zeros, sizeof(zeros)};
	static const struct chain_bytes bar = {(const unsigned char *)"|", 1};

	if (EVP_DigestInit_ex2(chain->ctx, chain->sha256, NULL) != 1 ||
	    !add(chain, e->prev_hash) || !add(chain, e->user) ||
	    !add(chain, e->version) || !add(chain, e->at) ||
	    !add(chain, e->order.len > 0 ? e->order : no_order) ||
	    !add(chain, e->delta) || !add(chain, e->balance_after) ||
	    !add(chain, e->kind) || !add(chain, bar) || !add(chain, e->note) ||
	    EVP_DigestFinal_ex(chain->ctx, hash_r, NULL) != 1)
		fatalx("could not compute a SHA-256");
}

bool
chain_holds(struct chain *chain, const struct chain_entry *entry,
    struct chain_bytes hash)
{
	unsigned char right[CHAIN_HASH];

	chain_hash(chain, entry, right);
	return hash.len == CHAIN_HASH &&
	    memcmp(hash.data, right, CHAIN_HASH) == 0;
}
