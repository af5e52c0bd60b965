/*
 * The part `maildomains` of the book: what is known of mail domains, by class: free mail, disposable mail, services that hide a domain's owner,
 * makers, names of templates. A domain stands for all below it. A line of the file:
 *
 *   CLASS NAME: domain local@domain …      privacy-proxy Domains By Proxy: domainsbyproxy.com
 */
#pragma once

#include "contact/evaluate.h"

struct maildomains; /* book_part(book, BOOK_maildomains) */

/* FLAG_… of evaluate.h that hold for an address in finding.h's one form, and in *ret_name (may be NULL) whose it is, as far as the file says; NULL
 * maildomains: none. */
unsigned maildomains_flags(const struct maildomains *, struct span mail, struct span *ret_name);
size_t maildomains_count(const struct maildomains *); /* entries, for tests and `noroshi check` */

int book_open_maildomains(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);
