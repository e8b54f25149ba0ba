/// \file
/// `lake:` and `s3:` of `catchwater.yaml`: where the tables lie, and how object stores are reached.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <arrow/status.h>

#include "catchwater/config/describe.h"

namespace catchwater {

/// Where the lake lies. The ledger stays in the data folder.
struct LakeLocationConfig {
  static constexpr std::string_view kShortFor = "location";
  std::string location;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("location", location,
                   "Folder of the tables: `s3://bucket/prefix`, or a path relative to the project. "
                   "Default: `lake` in the data folder.",
                   Example{"s3://my-bucket/lake"});
  }
};

/// One object store for all paths that begin with `s3://`.
struct S3Config {
  std::string endpoint;
  std::string region;
  std::optional<bool> is_path_style;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  bool creates_buckets = false;
  std::string ca_file;
  Duration deadline = Duration::Seconds(30);
  Duration retry_for = Duration::Minutes(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("endpoint", endpoint,
                   "URL of a server that speaks S3. Default: `AWS_ENDPOINT_URL_S3`, "
                   "`AWS_ENDPOINT_URL`, else Amazon's of the region.",
                   Example{"http://localhost:9000"});
    field.Optional("region", region,
                   "Region of the buckets. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, else "
                   "us-east-1.",
                   Example{"eu-west-1"});
    field.Optional("path_style", is_path_style,
                   "Address `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: true "
                   "with an endpoint of your own.");
    field.Optional("access_key_id", access_key_id,
                   "Default: `AWS_ACCESS_KEY_ID`, else the profile `AWS_PROFILE` of the file "
                   "`~/.aws/credentials`.",
                   Example{"\"${S3_KEY}\""});
    field.Optional("secret_access_key", secret_access_key,
                   "Goes with `access_key_id`. Default: `AWS_SECRET_ACCESS_KEY`.",
                   Example{"\"${S3_SECRET}\""});
    field.Optional("session_token", session_token,
                   "Of temporary credentials. Default: `AWS_SESSION_TOKEN`.");
    field.Optional("create_buckets", creates_buckets, "Create a bucket that is not there.");
    field.Optional("ca_file", ca_file,
                   "Certificates (PEM) of the authorities that are believed. Default: the "
                   "system's.");
    field.Optional("deadline", deadline, "Longest time of one request.",
                   Bounds{Duration::Seconds(1), Duration::Minutes(10)});
    field.Optional("retry_for", retry_for,
                   "A request that fails is repeated for so long, with growing delays.",
                   Bounds{Duration::Seconds(1), Duration::Hours(1)});
  }

  arrow::Status Check() const;
};

}  // namespace catchwater
