/*
 * Censys' hosts: one JSON object for each host with its services, or a search's answer that holds them in "hits". Fields by Censys' documented host
 * data set (Search 2.0: service_name, transport_protocol; Platform: protocol, transport_protocol, scan_time).
 */
#include "base/err.h"
#include "base/text.h"
#include "observe/import/listing.h"

/* What Censys' parsers of industrial services say of the device: path below the service. */
static const struct {
    const char *path;
    enum fact_name fact;
} device_paths[] = {
    {"modbus.mei_response.objects.vendor", FACT_DEVICE_MAKER},
    {"modbus.mei_response.objects.model_name", FACT_DEVICE_MODEL},
    {"modbus.mei_response.objects.product_code", FACT_DEVICE_MODEL},
    {"modbus.mei_response.objects.revision", FACT_DEVICE_FIRMWARE},
    {"bacnet.vendor_name", FACT_DEVICE_MAKER},
    {"bacnet.model_name", FACT_DEVICE_MODEL},
    {"bacnet.firmware_revision", FACT_DEVICE_FIRMWARE},
    {"s7.module_type", FACT_DEVICE_MODEL},
    {"s7.module", FACT_DEVICE_MODEL},
    {"s7.firmware", FACT_DEVICE_FIRMWARE},
    {"fox.app_version", FACT_DEVICE_FIRMWARE},
    {"eip.identity.product_name", FACT_DEVICE_MODEL},
    {"eip.product_name", FACT_DEVICE_MODEL},
    {"eip.identity.vendor_name", FACT_DEVICE_MAKER},
    {"hardware.vendor", FACT_DEVICE_MAKER},
    {"hardware.product", FACT_DEVICE_MODEL},
    {"hardware.version", FACT_DEVICE_FIRMWARE},
};

/* What a label is: a text, or an object with its value. */
static struct span label_text(const json_t *label)
{
    return listing_text(json_is_object(label) ? listing_at(label, "value") : label);
}

static bool read_labels(struct listing *l, const json_t *labels)
{
    bool industrial = false;
    size_t i;
    const json_t *label;
    json_array_foreach(labels, i, label)
    {
        struct span text = label_text(label);
        listing_class(l, text);
        listing_detail(l, "label", text);
        industrial = industrial || span_is(text, "ics") || span_is(text, "scada") || span_is(text, "ICS") || span_is(text, "SCADA");
    }
    return industrial;
}

static const json_t *first(const json_t *value)
{
    return json_is_array(value) ? json_array_get(value, 0) : value;
}

/* Headers are {"Server": ["…"]}, {"server": {"headers": ["…"]}} or an array of {"name", "value"}, by the age of the data. */
static struct span server_of(const json_t *response)
{
    static const char *const keys[] = {"headers.Server", "headers.server"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = listing_at(response, keys[i]);
        if (json_is_object(value))
            value = listing_at(value, "headers");
        if (first(value) != NULL)
            return listing_text(first(value));
    }
    return (struct span){0};
}

static void read_http(struct listing *l, const json_t *service)
{
    const json_t *response = listing_at(service, "http.response");
    listing_fact(l, FACT_HTTP_TITLE, listing_text(listing_at(response, "html_title")));
    listing_fact(l, FACT_HTTP_TITLE, listing_text(first(listing_at(response, "html_tags.title"))));
    listing_fact(l, FACT_HTTP_SERVER, server_of(response));
}

static void read_software(struct listing *l, const json_t *list, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        static const char *const parts[] = {"vendor", "product", "version"};
        char text[256];
        struct buf line;
        buf_init(&line, sizeof text);
        for (size_t part = 0; part < 3; part++) {
            struct span value = listing_text(listing_at(item, parts[part]));
            if (value.len > 0 && line.len > 0)
                buf_byte(&line, ' ');
            buf_span(&line, value);
        }
        listing_detail(l, name, buf_as_span(&line));
        buf_done(&line);
    }
}

/* The bytes, when they are given; else as text. */
static void read_banner(struct listing *l, const json_t *service)
{
    struct span hex = listing_text(listing_at(service, "banner_hex"));
    uint8_t *bytes = hex.len > 0 && hex.len % 2 == 0 ? buf_reserve(&l->bytes, hex.len / 2) : NULL;
    if (bytes != NULL && text_unhex(hex, bytes, hex.len / 2) == 0) {
        l->bytes.len += hex.len / 2;
        listing_fact(l, FACT_BANNER, buf_as_span(&l->bytes));
    }
    listing_fact(l, FACT_BANNER, listing_text(listing_at(service, "banner")));
}

static struct span service_name(const json_t *service)
{
    static const char *const keys[] = {"extended_service_name", "service_name", "protocol"};
    struct span name = {0};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && name.len == 0; i++)
        name = listing_text(listing_at(service, keys[i]));
    return span_is(name, "HTTP") && listing_at(service, "tls") != NULL ? span_text("https") : name;
}

static void read_host(struct listing *l, const json_t *host)
{
    size_t i;
    const json_t *name;
    listing_asn(l, listing_at(host, "autonomous_system.asn"));
    listing_fact(l, FACT_COUNTRY, listing_text(listing_at(host, "location.country_code")));
    json_array_foreach(listing_at(host, "dns.reverse_dns.names"), i, name)
    {
        listing_fact(l, FACT_HOST_NAME, listing_text(name));
    }
    json_array_foreach(listing_at(host, "dns.names"), i, name)
    {
        listing_fact(l, FACT_HOST_NAME, listing_text(name));
    }
    listing_detail(l, "organisation", listing_text(listing_at(host, "autonomous_system.name")));
    listing_detail(l, "operating system", listing_text(listing_at(host, "operating_system.product")));
}

static int read_service(struct listing *l, const json_t *host, const json_t *service)
{
    const json_t *time = NULL;
    static const char *const times[] = {"observed_at", "scan_time"};
    for (size_t i = 0; i < sizeof times / sizeof times[0] && time == NULL; i++)
        time = listing_at(service, times[i]);
    if (time == NULL)
        time = listing_at(host, "last_updated_at");
    int r = listing_begin(l, time, listing_at(host, "ip"), listing_at(service, "port"), listing_text(listing_at(service, "transport_protocol")));
    if (r != 0)
        return r;
    bool tagged = read_labels(l, listing_at(service, "labels"));
    listing_service(l, service_name(service), tagged);
    for (size_t i = 0; i < sizeof device_paths / sizeof device_paths[0]; i++)
        listing_fact(l, device_paths[i].fact, listing_text(listing_at(service, device_paths[i].path)));
    read_http(l, service);
    read_host(l, host);
    (void)read_labels(l, listing_at(host, "labels"));
    read_software(l, listing_at(service, "software"), "software");
    listing_detail(l, "certificate", listing_text(listing_at(service, "tls.certificates.leaf_data.subject_dn")));
    read_banner(l, service);
    return listing_end(l);
}

static int read_one(struct listing *l, const json_t *host)
{
    static const char *const wrappers[] = {"host", "resource"};
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        if (json_is_object(listing_at(host, wrappers[i])))
            host = listing_at(host, wrappers[i]);
    }
    const json_t *services = listing_at(host, "services");
    if (!json_is_array(services)) {
        emit_skip(l->emit, l->source, "services: expected an array");
        return -ERR_MALFORMED;
    }
    size_t i;
    const json_t *service;
    json_array_foreach(services, i, service)
    {
        int r = i < LISTING_SERVICES_MAX ? read_service(l, host, service) : 0;
        if (r != 0 && r != -ERR_MALFORMED)
            return r;
    }
    return 0;
}

static int read_object(struct listing *l, const json_t *root)
{
    const json_t *result = json_is_object(listing_at(root, "result")) ? listing_at(root, "result") : root;
    const json_t *hits = listing_at(result, "hits");
    if (!json_is_array(hits))
        return read_one(l, result);
    size_t i;
    const json_t *hit;
    json_array_foreach(hits, i, hit)
    {
        int r = read_one(l, hit);
        if (r != 0 && r != -ERR_MALFORMED)
            return r;
    }
    return 0;
}

static int censys_read(struct source *source, struct emit *emit)
{
    return listing_read(source, emit, "censys", read_object);
}

static int censys_sniff(struct span head)
{
    if (!listing_has_key(head, "services") || !listing_has_key(head, "ip") || listing_has_key(head, "eventid") || listing_has_key(head, "ip_str"))
        return 0;
    return listing_has_key(head, "transport_protocol") || listing_has_key(head, "service_name") ? 80 : 30;
}

extern const struct reader reader_censys;
const struct reader reader_censys = {
    .name = "censys",
    .help = "Censys' hosts as JSON, one a line or a whole answer: what it lists of each of their services",
    .sniff = censys_sniff,
    .read = censys_read,
};
