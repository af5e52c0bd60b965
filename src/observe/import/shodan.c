/*
 * Shodan's banners: one JSON object for each service ("shodan download"), or a search's or host's answer that holds them in "matches" or "data".
 * Fields by Shodan's documented "Banner Specification".
 */
#include "base/err.h"
#include "observe/import/listing.h"

/* What Shodan writes into `data` of industrial services: lines "label: value". */
static const struct {
    const char *service, *label;
    enum fact_name fact;
} labels[] = {
    {"enip", "Product name", FACT_DEVICE_MODEL},
    {"enip", "Vendor ID", FACT_DEVICE_MAKER},
    {"bacnet", "Vendor Name", FACT_DEVICE_MAKER},
    {"bacnet", "Model Name", FACT_DEVICE_MODEL},
    {"bacnet", "Firmware", FACT_DEVICE_FIRMWARE},
    {"s7", "Module type", FACT_DEVICE_MODEL},
    {"s7", "Basic Firmware", FACT_DEVICE_FIRMWARE},
    {"s7", "Copyright", FACT_DETAIL},
    {"modbus", "-- Device Identification", FACT_DEVICE_MODEL},
    {"fox", "app.version=s", FACT_DEVICE_FIRMWARE},
};

static void read_label(struct listing *l, struct span service, struct span line)
{
    size_t colon = span_find(line, ':');
    struct span label = span_part(line, 0, colon), value = span_part(line, colon + 1, line.len);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (!span_is(service, labels[i].service) || !span_is(label, labels[i].label))
            continue;
        if (labels[i].fact == FACT_DETAIL)
            listing_detail(l, labels[i].label, value);
        else
            listing_fact(l, labels[i].fact, value);
    }
}

static void read_labels(struct listing *l, struct span data)
{
    const struct fact *service = record_fact(&l->record, FACT_NETWORK_PROTOCOL);
    while (service != NULL && data.len > 0) {
        size_t end = span_find(data, '\n');
        read_label(l, service->text, span_part(data, 0, end));
        data = span_part(data, end + 1, data.len);
    }
}

static bool has_tag(const json_t *tags, const char *tag)
{
    size_t i;
    const json_t *value;
    json_array_foreach(tags, i, value)
    {
        if (span_is(listing_text(value), tag))
            return true;
    }
    return false;
}

static void read_device(struct listing *l, const json_t *banner)
{
    struct span data = listing_text(listing_at(banner, "data")), type = listing_text(listing_at(banner, "devicetype"));
    struct span product = listing_text(listing_at(banner, "product")), version = listing_text(listing_at(banner, "version"));
    listing_class(l, type);
    if (listing_is_ics(l))
        read_labels(l, data);
    /* Of a computer it names a program, of a device the device. */
    if (listing_is_ics(l) || type.len > 0) {
        listing_fact(l, FACT_DEVICE_MODEL, product);
        listing_fact(l, FACT_DEVICE_FIRMWARE, version);
    }
    listing_detail(l, "device type", type);
    listing_detail(l, "product", product);
    listing_detail(l, "version", version);
    listing_fact(l, FACT_BANNER, data);
}

static void read_names(struct listing *l, const json_t *banner)
{
    size_t i;
    const json_t *value;
    json_array_foreach(listing_at(banner, "hostnames"), i, value)
    {
        listing_fact(l, FACT_HOST_NAME, listing_text(value));
        if (i > 0)
            listing_detail(l, "host name", listing_text(value));
    }
    json_array_foreach(listing_at(banner, "tags"), i, value)
    {
        listing_detail(l, "tag", listing_text(value));
    }
}

static int read_banner(struct listing *l, const json_t *banner, const json_t *addr)
{
    if (!json_is_object(banner)) {
        emit_skip(l->emit, l->source, "expected an object");
        return -ERR_MALFORMED;
    }
    if (listing_at(banner, "ip_str") != NULL)
        addr = listing_at(banner, "ip_str");
    int r = listing_begin(l, listing_at(banner, "timestamp"), addr, listing_at(banner, "port"), listing_text(listing_at(banner, "transport")));
    if (r != 0)
        return r;
    struct span module = listing_text(listing_at(banner, "_shodan.module"));
    static const char *const modules[] = {"modbus", "bacnet", "s7", "fox", "ethernetip", "dnp3", "http"};
    for (size_t i = 0; i < sizeof modules / sizeof modules[0] && module.len == 0; i++) {
        if (listing_at(banner, modules[i]) != NULL)
            module = span_text(modules[i]);
    }
    if (span_is(module, "http") && listing_at(banner, "ssl") != NULL)
        module = span_text("https");
    listing_service(l, module, has_tag(listing_at(banner, "tags"), "ics"));
    read_device(l, banner);
    listing_asn(l, listing_at(banner, "asn"));
    listing_fact(l, FACT_COUNTRY, listing_text(listing_at(banner, "location.country_code")));
    listing_fact(l, FACT_HTTP_TITLE, listing_text(listing_at(banner, "http.title")));
    listing_fact(l, FACT_HTTP_SERVER, listing_text(listing_at(banner, "http.server")));
    read_names(l, banner);
    listing_detail(l, "organisation", listing_text(listing_at(banner, "org")));
    listing_detail(l, "provider", listing_text(listing_at(banner, "isp")));
    listing_detail(l, "operating system", listing_text(listing_at(banner, "os")));
    listing_detail(l, "information", listing_text(listing_at(banner, "info")));
    listing_detail(l, "certificate", listing_text(listing_at(banner, "ssl.cert.subject.CN")));
    return listing_end(l);
}

static int read_object(struct listing *l, const json_t *root)
{
    const json_t *many = listing_at(root, "matches");
    if (!json_is_array(many))
        many = listing_at(root, "data");
    if (!json_is_array(many))
        return read_banner(l, root, NULL);
    size_t i;
    const json_t *banner;
    json_array_foreach(many, i, banner)
    {
        int r = i < LISTING_SERVICES_MAX ? read_banner(l, banner, listing_at(root, "ip_str")) : 0;
        if (r != 0 && r != -ERR_MALFORMED)
            return r;
    }
    return 0;
}

static int shodan_read(struct source *source, struct emit *emit)
{
    return listing_read(source, emit, "shodan", read_object);
}

static int shodan_sniff(struct span head)
{
    if (!listing_has_key(head, "ip_str") || !listing_has_key(head, "port") || listing_has_key(head, "eventid"))
        return 0;
    return listing_has_key(head, "_shodan") || listing_has_key(head, "transport") ? 80 : 40;
}

extern const struct reader reader_shodan;
const struct reader reader_shodan = {
    .name = "shodan",
    .help = "Shodan's banners as JSON, one a line or a whole answer: what it lists of each host",
    .sniff = shodan_sniff,
    .read = shodan_read,
};
