/// \file
/// Object-created events of S3, as a store sends them to a queue or a URL. Source: Amazon S3,
/// "Event message structure"; the same in the messages of SNS.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

/// The paths `s3://bucket/key` of objects that the message says were created; none if it is of
/// another kind or cannot be read: an event is only a hint. At most 1,000 of one message.
std::vector<std::string> CreatedObjects(std::string_view message);

/// True if a file of the pattern may lie at the path: the part before the first wildcard begins it.
bool MayMatch(std::string_view pattern, std::string_view path);

}  // namespace catchwater
