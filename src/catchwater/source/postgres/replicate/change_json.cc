#include "catchwater/source/postgres/replicate/change_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "catchwater/base/json_text.h"
#include "catchwater/base/timestamp.h"

namespace catchwater {
namespace {

enum Member : size_t { kOp, kLsn, kSeq, kCommitTime, kUnchanged };

// Source: PostgreSQL's pg_type.dat; the numbers of built-in types never change.
constexpr std::array<std::pair<uint32_t, PgJsonForm>, 13> kForms{
    {{16, PgJsonForm::kBool},
     {20, PgJsonForm::kNumber},
     {21, PgJsonForm::kNumber},
     {23, PgJsonForm::kNumber},
     {26, PgJsonForm::kNumber},
     {114, PgJsonForm::kJson},
     {700, PgJsonForm::kNumber},
     {701, PgJsonForm::kNumber},
     {1114, PgJsonForm::kTimestamp},
     {1184, PgJsonForm::kTimestampWithZone},
     {1700, PgJsonForm::kNumber},
     {3802, PgJsonForm::kJson},
     {28, PgJsonForm::kNumber}}};

bool IsNumber(std::string_view text) {  // Not NaN, Infinity or -Infinity.
  return !text.empty() && text.back() >= '0' && text.back() <= '9';
}

// `2026-01-02 03:04:05.5+00`, in the session's zone, UTC.
void AppendTime(std::string_view text, bool has_zone, std::string& out) {
  const size_t blank = text.find(' ');
  const bool is_usual = blank != text.npos && text.back() >= '0' && text.back() <= '9';
  if (!is_usual) return AppendJsonString(out, text);  // infinity, or BC.
  out += '"';
  out.append(text.substr(0, blank)).append("T").append(text.substr(blank + 1));
  if (has_zone && text.size() > 3 && (text[text.size() - 3] == '+')) out += ":00";
  out += '"';
}

void AppendValue(PgJsonForm form, std::string_view text, std::string& out) {
  switch (form) {
    case PgJsonForm::kBool:
      out += text == "t" ? "true" : "false";
      return;
    case PgJsonForm::kNumber:
      if (!IsNumber(text)) break;
      out += text;
      return;
    case PgJsonForm::kJson:
      out += text;
      return;
    case PgJsonForm::kTimestamp:
    case PgJsonForm::kTimestampWithZone:
      return AppendTime(text, form == PgJsonForm::kTimestampWithZone, out);
    case PgJsonForm::kText:
      break;
  }
  AppendJsonString(out, text);
}

}  // namespace

PgJsonForm JsonFormOf(uint32_t type_oid) {
  const auto found = std::ranges::find(kForms, type_oid, &std::pair<uint32_t, PgJsonForm>::first);
  return found == kForms.end() ? PgJsonForm::kText : found->second;
}

std::vector<std::string> ChangeMemberNames(const std::string& prefix) {
  return {prefix + "op", prefix + "lsn", prefix + "seq", prefix + "commit_time",
          prefix + "unchanged"};
}

void ChangeJson::Begin(const ChangeHead& head) {
  text_.clear();
  JsonObject object(text_);
  object.Text(names_[kOp], head.op);
  object.Number(names_[kLsn], static_cast<int64_t>(head.lsn));
  object.Number(names_[kSeq], static_cast<int64_t>(head.seq));
  object.Key(names_[kCommitTime]) += '"';
  AppendTimestamp(head.commit_us, /*with_z=*/true, &text_);
  text_ += '"';
}

std::string_view ChangeJson::Mark(const ChangeHead& head) {
  Begin(head);
  text_ += '}';
  return text_;
}

std::string_view ChangeJson::Row(const ChangeHead& head, const PgTuple& row, const PgTuple* before,
                                 bool is_key_only) {
  Begin(head);
  std::vector<std::string_view> unchanged;
  const size_t count = std::min(row.size(), columns_.size());
  for (size_t i = 0; i < count; ++i) {
    const ReplicatedColumn& column = columns_[i];
    if (!column.is_read || (is_key_only && !column.is_identity)) continue;
    const PgValue* value = &row[i];
    if (value->kind == PgValue::Kind::kUnchanged && before != nullptr && i < before->size()) {
      value = &(*before)[i];
    }
    if (value->kind == PgValue::Kind::kUnchanged) {
      unchanged.push_back(column.name);
      continue;
    }
    text_ += ',';
    AppendJsonString(text_, column.name);
    text_ += ':';
    if (value->kind == PgValue::Kind::kNull) {
      text_ += "null";
    } else {
      AppendValue(column.form, value->text, text_);
    }
  }
  if (!unchanged.empty()) {
    text_ += ',';
    AppendJsonString(text_, names_[kUnchanged]);
    text_ += ':';
    AppendJsonArray(text_, unchanged,
                    [](std::string& out, std::string_view name) { AppendJsonString(out, name); });
  }
  text_ += '}';
  return text_;
}

}  // namespace catchwater
