/* kafka: brokers for tests of the carrier, and a reader of topics; both are librdkafka's own.
 *	kafka mock BROKERS              brokers in memory, on the loopback address. Prints their addresses; then does what standard
 *	                                input says, a line each: down N, up N, fail N (the next N requests to produce: not leader);
 *	                                ends with its end
 *	kafka read BROKERS TOPIC        all messages that are there: PARTITION <tab> KEY <tab> event.id <tab> payload */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 500, ROUNDS = 60 };

static rd_kafka_t *client(rd_kafka_type_t type, const char *const settings[][2])
{
	char why[256] = "no memory";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	for (size_t i = 0; settings[i][0]; i++)
		if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
			fprintf(stderr, "kafka: %s\n", why);
			exit(2);
		}
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
	if (!rk) {
		fprintf(stderr, "kafka: %s\n", why);
		exit(2);
	}
	return rk;
}

static void obey(rd_kafka_mock_cluster_t *mock, const char *line)
{
	int n;
	if (sscanf(line, "down %d", &n) == 1)
		rd_kafka_mock_broker_set_down(mock, n);
	else if (sscanf(line, "up %d", &n) == 1)
		rd_kafka_mock_broker_set_up(mock, n);
	else if (sscanf(line, "fail %d", &n) == 1)
		while (n-- > 0)
			rd_kafka_mock_push_request_errors(mock, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	else
		fprintf(stderr, "kafka: what is: %s", line);
}

static int mock_run(int brokers)
{
	static const char *const none[][2] = { { NULL, NULL } };
	char line[64];
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, none);
	rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(rk, brokers);
	if (!mock)
		return 2;
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(mock));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		obey(mock, line);
		puts("done");
		fflush(stdout);
	}
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(rk);
	return 0;
}

static void print_message(const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *headers;
	const void *id = "";
	size_t n = 0;
	if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_header_get_last(headers, "event.id", &id, &n);
	printf("%d\t%.*s\t%.*s\t%.*s\n", m->partition, (int)m->key_len, (const char *)m->key, (int)n, (const char *)id, (int)m->len,
	       (const char *)m->payload);
}

/* Assigns all partitions of the topic from their beginning; how many there are. */
static int assign(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *meta;
	rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
	int n = 0;
	if (rd_kafka_metadata(rk, 0, t, &meta, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		n = meta->topic_cnt ? meta->topics[0].partition_cnt : 0;
		rd_kafka_metadata_destroy(meta);
	}
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_topic_destroy(t);
	return n;
}

static int topic_read(const char *brokers, const char *topic)
{
	const char *const settings[][2] = { { "bootstrap.servers", brokers }, { "group.id", "test" }, { "enable.partition.eof", "true" },
					    { "enable.auto.commit", "false" }, { NULL, NULL } };
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, settings);
	rd_kafka_poll_set_consumer(rk);
	int open = assign(rk, topic);
	if (open == 0)
		fprintf(stderr, "kafka: no such topic: %s\n", topic);
	for (int round = 0; open > 0 && round < ROUNDS;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
		round += !m || (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF);
		if (m && !m->err)
			print_message(m);
		open -= m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (m)
			rd_kafka_message_destroy(m);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return open ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "mock") == 0)
		return mock_run(atoi(argv[2]));
	if (argc == 4 && strcmp(argv[1], "read") == 0)
		return topic_read(argv[2], argv[3]);
	fprintf(stderr, "usage: kafka mock BROKERS | kafka read BROKERS TOPIC\n");
	return 2;
}
