#include "catchwater/cli/account_view.h"

namespace catchwater {
namespace {

void AppendLine(const char* label, int64_t count, std::string* text) {
  std::string number = std::to_string(count);
  number.insert(0, number.size() < 14 ? 14 - number.size() : 0, ' ');
  *text += "  " + number + "  " + label + "\n";
}

void AddUpStream(const AccountRecord& record, StreamAccountView* view) {
  switch (record.bucket) {
    case Bucket::kRows:
      view->in += record.row_count;
      break;
    case Bucket::kUsed:
      view->used += record.row_count;
      break;
    case Bucket::kLate:
      view->late += record.row_count;
      break;
    case Bucket::kFuture:
      view->future += record.row_count;
      break;
    case Bucket::kFiltered:
      view->filtered += record.row_count;
      break;
    default:
      break;
  }
  if (!record.reason.empty()) view->by_reason[record.reason] += record.row_count;
}

}  // namespace

AccountView AddUp(const std::vector<AccountRecord>& records) {
  AccountView view;
  for (const AccountRecord& record : records) {
    if (record.consumer != "lake") {
      AddUpStream(record, &view.streams[record.consumer]);
      continue;
    }
    int64_t* into = nullptr;
    switch (record.bucket) {
      case Bucket::kFrames:
        into = &view.frames;
        break;
      case Bucket::kDecodedFrames:
        into = &view.decoded_frames;
        break;
      case Bucket::kDeadFrames:
        into = &view.dead_frames;
        break;
      case Bucket::kRows:
        into = &view.rows;
        break;
      case Bucket::kLake:
      case Bucket::kUsed:
        into = &view.lake;
        break;
      case Bucket::kDeadRows:
        into = &view.dead_rows;
        break;
      case Bucket::kFiltered:
        into = &view.filtered;
        break;
      case Bucket::kDropped:
        into = &view.dropped;
        break;
      case Bucket::kDeduplicated:
        into = &view.deduplicated;
        break;
      case Bucket::kExpired:
        into = &view.expired;
        break;
      case Bucket::kLate:
      case Bucket::kFuture:
        break;
    }
    if (into != nullptr) *into += record.row_count;
    if (!record.reason.empty()) view.by_reason[record.reason] += record.row_count;
  }
  return view;
}

nlohmann::ordered_json StreamsJson(const AccountView& account) {
  nlohmann::ordered_json streams = nlohmann::ordered_json::object();
  for (const auto& [name, view] : account.streams) {
    streams[name] = {{"in", view.in},
                     {"used", view.used},
                     {"late", view.late},
                     {"future", view.future},
                     {"filtered", view.filtered},
                     {"unaccounted", view.unaccounted()},
                     {"by_reason", view.by_reason}};
  }
  return streams;
}

std::string Render(const AccountView& account) {
  std::string text;
  AppendLine("frames received", account.frames, &text);
  AppendLine("decoded", account.decoded_frames, &text);
  AppendLine("dead letters (could not be decoded)", account.dead_frames, &text);
  AppendLine("rows decoded", account.rows, &text);
  AppendLine("in the lake", account.lake, &text);
  AppendLine("dead letters (refused by a rule)", account.dead_rows, &text);
  AppendLine("filtered", account.filtered, &text);
  AppendLine("dropped by rule", account.dropped, &text);
  AppendLine("duplicates", account.deduplicated, &text);
  AppendLine("expired", account.expired, &text);
  AppendLine("unaccounted", account.unaccounted_frames() + account.unaccounted_rows(), &text);
  for (const auto& [reason, count] : account.by_reason) {
    AppendLine(("  by " + reason).c_str(), count, &text);
  }
  for (const auto& [name, stream] : account.streams) {
    AppendLine(("stream " + name + ": rows in").c_str(), stream.in, &text);
    AppendLine("  used", stream.used, &text);
    if (stream.late > 0) AppendLine("  late", stream.late, &text);
    if (stream.future > 0) AppendLine("  from the future", stream.future, &text);
    if (stream.filtered > 0) AppendLine("  filtered", stream.filtered, &text);
    for (const auto& [reason, count] : stream.by_reason) {
      AppendLine(("    by " + reason).c_str(), count, &text);
    }
    AppendLine("  unaccounted", stream.unaccounted(), &text);
  }
  return text;
}

}  // namespace catchwater
