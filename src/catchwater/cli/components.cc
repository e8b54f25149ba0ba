#include "catchwater/cli/components.h"

#include "catchwater/codec/avro/avro_codec.h"
#include "catchwater/codec/csv/csv_codec.h"
#include "catchwater/codec/influx_line/influx_line_codec.h"
#include "catchwater/codec/json/json_codec.h"
#include "catchwater/codec/lines/lines_codec.h"
#include "catchwater/codec/regex/access_log_codec.h"
#include "catchwater/codec/regex/regex_codec.h"
#include "catchwater/sink/amqp/amqp_sink.h"
#include "catchwater/sink/console/console_sink.h"
#include "catchwater/sink/file/file_sink.h"
#include "catchwater/sink/influx/influx_sink.h"
#include "catchwater/sink/kafka/kafka_sink.h"
#include "catchwater/sink/mongo/mongo_sink.h"
#include "catchwater/sink/mqtt/mqtt_sink.h"
#include "catchwater/sink/postgres/postgres_sink.h"
#include "catchwater/sink/webhook/webhook_sink.h"
#include "catchwater/source/amqp/amqp_source.h"
#include "catchwater/source/file/file_source.h"
#include "catchwater/source/http_poll/http_poll_source.h"
#include "catchwater/source/http_push/http_push_source.h"
#include "catchwater/source/kafka/kafka_source.h"
#include "catchwater/source/mqtt/mqtt_source.h"
#include "catchwater/source/postgres/postgres_source.h"
#include "catchwater/source/simulate/simulate_source.h"
#include "catchwater/transform/deduplicate/deduplicate_step.h"
#include "catchwater/transform/derive/derive_step.h"
#include "catchwater/transform/enrich/enrich_step.h"
#include "catchwater/transform/select/select_step.h"
#include "catchwater/transform/validate/validate_step.h"

namespace catchwater {

arrow::Status RegisterComponents(Registry& registry) {
  ARROW_RETURN_NOT_OK(RegisterAmqpSource(registry));
  ARROW_RETURN_NOT_OK(RegisterFileSource(registry));
  ARROW_RETURN_NOT_OK(RegisterHttpPollSource(registry));
  ARROW_RETURN_NOT_OK(RegisterHttpPushSource(registry));
  ARROW_RETURN_NOT_OK(RegisterMqttSource(registry));
  ARROW_RETURN_NOT_OK(RegisterPostgresSource(registry));
  ARROW_RETURN_NOT_OK(RegisterSimulateSource(registry));
  ARROW_RETURN_NOT_OK(RegisterKafkaSource(registry));
  ARROW_RETURN_NOT_OK(RegisterCsvCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterJsonCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterLinesCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterRegexCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterAccessLogCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterInfluxLineCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterAvroCodec(registry));
  ARROW_RETURN_NOT_OK(RegisterSelectStep(registry));
  ARROW_RETURN_NOT_OK(RegisterValidateStep(registry));
  ARROW_RETURN_NOT_OK(RegisterEnrichStep(registry));
  ARROW_RETURN_NOT_OK(RegisterDeriveStep(registry));
  ARROW_RETURN_NOT_OK(RegisterDeduplicateStep(registry));
  ARROW_RETURN_NOT_OK(RegisterAmqpSink(registry));
  ARROW_RETURN_NOT_OK(RegisterFileSink(registry));
  ARROW_RETURN_NOT_OK(RegisterKafkaSink(registry));
  ARROW_RETURN_NOT_OK(RegisterInfluxSink(registry));
  ARROW_RETURN_NOT_OK(RegisterMongoSink(registry));
  ARROW_RETURN_NOT_OK(RegisterMqttSink(registry));
  ARROW_RETURN_NOT_OK(RegisterPostgresSink(registry));
  ARROW_RETURN_NOT_OK(RegisterWebhookSink(registry));
  return RegisterConsoleSink(registry);
}

}  // namespace catchwater
