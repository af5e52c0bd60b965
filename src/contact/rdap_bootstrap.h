/*
 * IANA's bootstrap files of RDAP (RFC 9224): ipv4.json, ipv6.json, asn.json, dns.json of https://data.iana.org/rdap/, as they are, in the folder
 * contact.lists. Where one is there, it says before our own tables whose RDAP service is asked; the longest match wins, https alone is taken.
 */
#pragma once

#include "base/addr.h"
#include "contact/book.h"

/* The service's URL with its last slash, valid until book_close; empty: the files are not there, or name nobody. */
struct span bootstrap_of_address(const struct book *, struct addr);
struct span bootstrap_of_as(const struct book *, uint32_t as);
struct span bootstrap_of_domain(const struct book *, struct span domain);
