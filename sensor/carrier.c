/* carrier: which one there is for a type of output. */
#include "carrier.h"

#include <stddef.h>

const struct carrier_kind *carrier_kind(unsigned type)
{
	switch ((enum output_type)type) {
	case output_type_syslog:
		return &carrier_syslog;
	case output_type_unix:
		return &carrier_unix;
	case output_type_nats:
#ifdef HAVE_NATS
		return &carrier_nats;
#else
		break;
#endif
	case output_type_kafka:
#ifdef HAVE_KAFKA
		return &carrier_kafka;
#else
		break;
#endif
	case output_type_file:
	case output_type_COUNT:
		break;
	}
	return NULL;
}
