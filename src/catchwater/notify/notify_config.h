/// \file
/// `notify:` of the source `file`: who tells that an object was created.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catchwater/amqp/connection_config.h"
#include "catchwater/config/describe.h"
#include "catchwater/kafka/connection_config.h"
#include "catchwater/security/secret.h"

namespace catchwater {

struct NotifyKafkaConfig {
  KafkaConnection connection;
  std::string topic;

  template <class Visitor>
  void Describe(Visitor& field) {
    connection.DescribeFields(field);
    field.Required("topic", topic, "Topic that the store sends its events to.",
                   Example{"bucket-events"});
  }
  arrow::Status Check() const;
};

struct NotifyAmqpConfig {
  AmqpBrokerConfig broker;
  std::string queue;

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Required("queue", queue, "Queue that gets the store's events; it is emptied.",
                   Example{"bucket-events"});
  }
  arrow::Status Check() const;
};

struct NotifySqsConfig {
  std::string queue_url;
  std::string region;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string ca_file;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("queue_url", queue_url,
                   "URL of the queue that gets the store's events; it is emptied.",
                   Example{"\"https://sqs.eu-west-1.amazonaws.com/123456789012/bucket-events\""});
    field.Optional("region", region,
                   "Region of the queue. Default: of `queue_url`, else `AWS_REGION`, else "
                   "us-east-1.",
                   Example{"eu-west-1"});
    field.Optional("access_key_id", access_key_id,
                   "Default: `AWS_ACCESS_KEY_ID`, else the profile `AWS_PROFILE` of the file "
                   "`~/.aws/credentials`.",
                   Example{"\"${SQS_KEY}\""});
    field.Optional("secret_access_key", secret_access_key, "Goes with `access_key_id`.",
                   Example{"\"${SQS_SECRET}\""});
    field.Optional("session_token", session_token, "Of temporary credentials.");
    field.Optional("ca_file", ca_file,
                   "Certificates (PEM) of the authorities that are believed. Default: the "
                   "system's.");
  }
  arrow::Status Check() const;
};

struct NotifyHttpConfig {
  std::string host = "127.0.0.1";
  int64_t port = 0;
  std::string path = "/";
  Secret bearer;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("host", host, "Address to listen at. Other machines need `bearer`.");
    field.Required("port", port, "Port to listen at.", Bounds{1, 65'535}, Example{"8081"});
    field.Optional("path", path, "Path that the store posts its events to.");
    field.Optional("bearer", bearer, "Token that the store must send: `Authorization: Bearer ...`.",
                   Example{"\"${EVENT_TOKEN}\""});
  }
  arrow::Status Check() const;
};

struct NotifyConfig {
  std::optional<NotifyKafkaConfig> kafka;
  std::optional<NotifyAmqpConfig> amqp;
  std::optional<NotifySqsConfig> sqs;
  std::optional<NotifyHttpConfig> http;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("kafka", kafka, "Events come through a topic of Kafka.");
    field.Optional("amqp", amqp, "Events come through a queue of an AMQP broker.");
    field.Optional("sqs", sqs, "Events come through a queue of Amazon SQS.");
    field.Optional("http", http, "Events are posted to us (a webhook).");
  }
  /// \retval kConfig unless exactly one is given
  arrow::Status Check() const;
};

}  // namespace catchwater
