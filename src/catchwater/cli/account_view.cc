#include "catchwater/cli/account_view.h"

namespace catchwater {
namespace {

void AppendLine(const char* label, int64_t count, std::string* text) {
  std::string number = std::to_string(count);
  number.insert(0, number.size() < 14 ? 14 - number.size() : 0, ' ');
  *text += "  " + number + "  " + label + "\n";
}

}  // namespace

AccountView AddUp(const std::vector<AccountRecord>& records) {
  AccountView view;
  for (const AccountRecord& record : records) {
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
  return text;
}

}  // namespace catchwater
