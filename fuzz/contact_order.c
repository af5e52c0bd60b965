/* The input of a task of kind "contact": what is taken must read the same when it is written again. */
#include "contact/order.h"

#include "target.h"

static void write_again(struct buf *out, const struct contact_order *order)
{
    contact_order_encode(out, order);
    for (size_t i = 0; i < order->resolution_count; i++)
        MUST(contact_order_add_resolution(out, &order->resolutions[i]) == 0);
    for (size_t i = 0; i < order->block_count; i++)
        MUST(contact_order_add_block(out, &order->blocks[i]) == 0);
    for (size_t i = 0; i < order->manual_count; i++)
        MUST(contact_order_add_manual(out, &order->manuals[i]) == 0);
    for (size_t i = 0; i < order->check_count; i++)
        MUST(contact_order_add_check(out, &order->checks[i]) == 0);
    MUST(contact_order_add_origin(out, order->as, order->country) == 0);
    if (order->cut)
        MUST(contact_order_add_cut(out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena, other;
    struct contact_order order, again;
    struct buf out;
    arena_init(&arena, 8 * 1024 * 1024);
    arena_init(&other, 8 * 1024 * 1024);
    buf_init(&out, 0);
    if (contact_order_decode(&arena, span_of(data, len), &order) == 0 && len < CONTACT_ORDER_SIZE_MAX - 64) {
        char key[CONTACT_ORDER_KEY_SIZE];
        MUST(strlen(contact_order_key(&order, key)) < sizeof key);
        write_again(&out, &order);
        MUST(out.error == 0 && contact_order_decode(&other, buf_as_span(&out), &again) == 0);
        MUST(again.resolution_count == order.resolution_count && again.block_count == order.block_count);
        MUST(again.manual_count == order.manual_count && again.check_count == order.check_count && again.cut == order.cut);
        MUST(span_equal(again.domain, order.domain) && span_equal(again.cause, order.cause) && again.when == order.when);
        for (size_t i = 0; i < order.resolution_count; i++)
            MUST(span_equal(again.resolutions[i].name, order.resolutions[i].name) &&
                 span_equal(again.resolutions[i].data, order.resolutions[i].data));
        for (size_t i = 0; i < order.block_count; i++)
            MUST(again.blocks[i].finding_count == order.blocks[i].finding_count);
    }
    buf_done(&out);
    arena_done(&other);
    arena_done(&arena);
    return 0;
}
