/*
 * What the control database holds, for those who write reports over it (query_rows). Times are µs UTC; `hour` and `day` are the µs at
 * which the UTC hour or day begins, so that `hour >= :since AND hour < :until` cuts them. Addresses are BLOBs of 16 bytes (base/addr.h).
 * `kind` and `transport` are the numbers of record/kinds.def and enum transport; tables `kind` and `transport` name them.
 *
 *   kind        number, name                                    every kind of record: 1 connection, 2 session, 3 login, 4 command …
 *   transport   number, name                                    0 '', 1 tcp, 2 udp, 3 icmp
 *   sensor      number, name, first, last                       who observed
 *   day         day, applied, records, first, last, sealed, bytes
 *                                                               one row per day file; applied: its rows up to this seq are in the rollups;
 *                                                               sealed: 1 when indexed and closed; bytes: size of the file when sealed
 *
 * Rollups, kept at ingest (a row of a day file is in them about a second later, at once after an import or a clean stop):
 *
 *   rollup_port        hour, kind, transport, port, n, first, last         key hour, kind, transport, port. port: the destination's. A refusal
 *                                                                          record counts its noroshi.count; all other kinds 1 each
 *   rollup_service     hour, protocol, kind, n                             key hour, protocol, kind. protocol: network.protocol, '' when not
 *                                                                          stated; above 64 names an hour: 'other'
 *   rollup_source      day, source_ip, connections, sessions, logins, logins_ok, commands, downloads, samples, findings, others, first, last
 *                                                                          key day, source_ip. others: records of the other kinds. Above
 *                                                                          1,000,000 sources a day: in the row of the all-zero address.
 *                                                                          Records without a source address are not counted here
 *   rollup_credential  day, hash, user, password, tried, ok, first, last   key day, hash (of user and password as they came; both cut at 256
 *                                                                          bytes). Above 50,000 a day: in the row with hash 0, user and
 *                                                                          password NULL. Logins without a password (a key) are not counted
 *   rollup_command     day, hash, command, n, first, last                  key day, hash (of the whole line; command is cut at 512 bytes). Above
 *                                                                          20,000 a day: in the row with hash 0, command NULL
 *
 * Over 30 days rollup_source has some 300,000 rows: choose the top ones by a narrow query first, then fetch their columns; the sorter
 * then carries little (0.27 s against 0.40 s):
 *   WITH top AS (SELECT source_ip, sum(sessions) AS n FROM rollup_source WHERE day >= :since AND day < :until
 *                GROUP BY source_ip ORDER BY n DESC LIMIT :limit)
 *   SELECT source_ip, sum(sessions) AS n, … FROM rollup_source WHERE day >= :since AND day < :until
 *      AND source_ip IN (SELECT source_ip FROM top) GROUP BY source_ip ORDER BY n DESC
 * The same holds for commands and credentials, by `hash`. To include a day that :since cuts, write day > :since - 86400000000.
 *
 * Derived state:
 *
 *   host           source_ip, first, last_day, days, …          key source_ip. first: its first record's time; last_day: the last day it was
 *                                                               seen; days: on how many days it was seen as a source (0: only probed or listed)
 *   sample         sha256, size, architecture, origin, path, url, kept, first, last, times, sources
 *                                                               key sha256 (TEXT, lower-case hex). kept: 1 when its bytes are in blobs/;
 *                                                               times: sample records; sources: distinct source addresses (counted up to 10,000)
 *   sample_source  sha256, source_ip, first                     the addresses behind sample.sources
 *   blob           sha256, size, first, last                    files under blobs/ and the time of the first and last record that refers to them
 *   task           see task.h
 *   secret         name, value                                  keys made with the database
 *   place          analyst, day, row                            up to which row of a day file (UTC day number) analysis has followed
 *   rule_state     analyst, state                               the rules' memory at those places
 *
 * Of hosts, from the records of active observation (kinds dial, answer, visit, device, listing; they are in no rollup above). `address` is
 * the host's, 16 bytes; its texts are cut at 128 bytes unless stated. What a host shows may change: `first` and `last` say when it did so.
 *
 *   host (more)    asn, country, ptr                            by the operator's databases when it was last seen; ptr: the name last told
 *                                                               (a visit, a list), at most 253 bytes
 *                  class, maker, model, firmware, ics, residue, honeypot, each with …_rule that says so (device_merge over `evidence`)
 *                  conflicts                                    evidence that says otherwise of class or maker, a line each
 *                  hosts_at_least, hosts_reason                 how many hosts seem to be behind the address, NULL when nothing can be said
 *                  first_attack, last_attack                    records of kinds where the source acts: login, command, download, sample, exploit,
 *                                                               forward; and findings `attack`. NULL: it only connected
 *                  first_probe, last_probe                      answers of it, whatever they were
 *   host_port      address, port, transport, protocol, state, ending, ttl, first, last, digest, summary, excerpt
 *                                                               key address, port, transport; at most 512 of a host. state: open, closed (said
 *                                                               so) or silent, as last seen; ending: a text of probe/endings.def; ttl: of the reply,
 *                                                               NULL when not recorded; summary: title, realm, decoded names …, or else the banner as
 *                                                               text, without telnet's options; excerpt: the first
 *                                                               bytes of the banner as they came, both at most 512 bytes; digest: of the summary, or,
 *                                                               when that is empty, of the whole banner: equal for hosts that show the same
 *   host_banner    address, port, transport, digest, first, last, n, summary, excerpt
 *                                                               every banner a port has shown, the latest 32 of each port; n: times
 *   host_attack    address, port, ttl, n, first, last           connections of a source: to which port of ours, with which TTL of the SYN as
 *                                                               it arrived; at most 64 of a host
 *   host_listing   address, port, transport, list, protocol, class, maker, model, firmware, ics, ttl, summary, first, last, n
 *                                                               what lists of other projects say of it; at most 512 of a host
 *   evidence       address, port, transport, hash, field, rule, class, maker, model, firmware, ics, residue, honeypot, matched, certainty,
 *                  first, last, n                               what a fingerprint rule says; hash: of field, rule and what it says; at most
 *                                                               256 of a host
 *   host_dial      day, address, asn, n, ics, neighbours, last  key day, address. Connections made; ics, neighbours: those of them that were
 *                                                               industrial, of a neighbourhood's survey. Kept 400 days
 *   dialled        task, port, transport                        what an unfinished task has dialled already
 *   rollup_probe   day, probe, step, word, n                    key day, probe, step, word. step dial: word '' for connections made, else why
 *                                                               policy refused (outside/denials.def); step answer: word is the ending. probe and
 *                                                               word are 'other' when not known
 *
 * Of whom to tell, from the records of look-ups (kinds lookup, contact, quest, resolution; they are in no rollup above). A target is an
 * address, then `domain` is '', or a domain alone, then `address` is all zero. Texts that a record did not state are ''. History is in the day
 * files.
 *
 *   quest          address, domain, id, outcome, reason, task, channels, contacts, debts, domains, holder, block, ptr, not_before, first, last,
 *                  n
 *                                                              key address, domain. The latest search. id: of its records; outcome: success or
 *                                                              failure; channels: those asked, with commas; debts: what could not be found out,
 *                                                              a line each; not_before: when the next attempt is worth it; n: how many searches
 *                                                              there were
 *   contact        number, id, address, domain, kind, value, quest, role, objection, there, match, rfc2142, word, valid, flags, score, choice,
 *                  reason, mail_domain, first, last
 *                                                              key address, domain, kind, value. What the latest search knows; one that failed
 *                                                              adds to what was known. id: of the record that speaks best for it; objection:
 *                                                              why it is no contact, '' when it is one; there, valid: yes, no or unknown;
 *                                                              choice: primary, fallback, copy or ''; mail_domain: behind the @, '' of other
 *                                                              kinds
 *   contact_origin contact, channel, found_for, objection, role, rank, attribute, server, lookup, holder, block, evidence, quest, first, last
 *                                                              key contact (its number), channel, found_for, objection: where it stood.
 *                                                              found_for: a domain of the target; lookup: id of the record that has the bytes
 *   registry       server, state, refused, back_off, banned, lifted, refusals, personal_most, first, last
 *                                                              key server. WHOIS and RDAP servers. state: of its last answer; refused: when it
 *                                                              last said that it was too much; back_off: until when we stay away; banned: since
 *                                                              when, NULL when it is not; lifted: when an operator said that it is over;
 *                                                              personal_most: most personal data sets in one answer
 *   registry_hour  server, hour, begin, dials, questions, personal, refusals
 *                                                              key server, hour: of the budgets' clock (wall clock times contact.clock_speed);
 *                                                              begin: of that hour by the wall clock. dials: connections, told before they are
 *                                                              made; questions: those that came to an end; personal: data sets in their answers
 *   block          address, bits, channel, server, holder, expires, told, findings
 *                                                              key address, bits, channel: what a registry said holds for the whole network;
 *                                                              bits of 128; findings: an entry BLOCK of contact/order.h
 *   quest_answer   quest, channel, server, holder, bits, bad, last
 *                                                              of searches that go on, per channel that asks registries: who gave the most
 *                                                              specific answer; bad: an answer was not whole
 *   resolution     address, name, type, data, list, first, last, n
 *                                                              passive DNS. type: RFC 1035's number; data: '' when it is the address
 *   manual         number, kind, value, role, scope, address, bits, asn, domain, entered, expires, note, who
 *                                                              what operators entered. scope: a network (address, bits), an AS (asn) or a
 *                                                              domain; value '': nobody is to be told; expires: 0 never
 *   account        url, there, messages, owner, entered, who
 *                                                              what operators found out about accounts: yes, no or unknown
 *
 * Pipeline, per stream of records (an edge's or reach's journal file; 'control' for verbs that write, 'analyse' for findings), about once a second
 * and at stop:
 *
 *   pipeline    stream, writer, number, current, appended, committed, records, duplicates, rejected, dropped, spooled, accepted, ended, cut,
 *               waiting, first, last
 *                 stream      the journal's random number as 16 hex digits, or 'control', 'analyse'
 *                 writer      'edge', 'reach', 'client' or 'analyse'; number: which edge
 *                 current     1: the stream an edge writes now; 0: its file was replaced, nothing more can come of it
 *                 appended    records its owner took in (the last sequence number)
 *                 committed   how many of it are in a day file: the last sequence number committed - rejected
 *                 records     records of it that were new: of an edge = committed. duplicates: deliveries of records that were kept already
 *                             (harmless). For writers without a journal both are counted in memory: a killed store forgets up to a second
 *                 rejected    records the store refused because they were not true to their form (a broken or taken-over edge): lost
 *                 dropped     records its owner had no room for: lost
 *                 spooled     records that went through the spool
 *                 accepted    connections accepted; ended: those whose session record was appended; cut: those that ended with their process
 *                             (killed), so that no session record was made
 *                 waiting     not yet committed when current, else 0
 *               lost records  = dropped + (appended - committed - waiting); the second part are those rejected and those whose journal was lost
 *               lost sessions = accepted - ended - open conversations; of ended processes that is exactly `cut`. When everything has stopped:
 *                               sessions seen (accepted) = stored (session records) + lost, lost = accepted - ended
 *   pipeline_refused  stream, reason, n                         connections refused, by event.reason's word
 */
#pragma once

enum { SCHEMA_CONTROL_VERSION = 3, SCHEMA_DAY_VERSION = 1 };
