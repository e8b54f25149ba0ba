#include "catchwater/component/row_template.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_table.h"

namespace catchwater {

arrow::Result<RowTemplate> RowTemplate::Parse(std::string option, const std::string& text,
                                              const arrow::Schema& schema,
                                              std::string_view forbidden) {
  RowTemplate made;
  made.option_ = std::move(option);
  made.forbidden_ = forbidden;
  std::string_view rest(text);
  while (!rest.empty()) {
    const size_t open = rest.find('{');
    Part part{.text = std::string(rest.substr(0, open))};
    if (part.text.find('}') != part.text.npos ||
        part.text.find_first_of(forbidden) != part.text.npos) {
      return ConfigError("`", made.option_, "` must not have a single `}`",
                         forbidden.empty() ? "" : " or any of ", forbidden, ": ", text);
    }
    rest.remove_prefix(part.text.size());
    if (open != rest.npos) {
      const size_t close = rest.find('}');
      if (close == rest.npos) {
        return ConfigError("`", made.option_, "` has a `{` without `}`: ", text);
      }
      const std::string name(rest.substr(1, close - 1));
      part.column = schema.GetFieldIndex(name);
      if (part.column < 0) {
        return ConfigError("`", made.option_, "` names a column that is not there: ", name);
      }
      rest.remove_prefix(close + 1);
    }
    made.parts_.push_back(std::move(part));
  }
  return made;
}

bool RowTemplate::is_constant() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.column < 0; });
}

arrow::Result<std::string> RowTemplate::Of(const arrow::RecordBatch& rows, int64_t row) const {
  std::string made;
  for (const Part& part : parts_) {
    made += part.text;
    if (part.column < 0) continue;
    const size_t begin = made.size();
    const arrow::Array& values = *rows.column(part.column);
    if (!values.IsNull(row)) AppendCell(values, row, &made);
    const std::string_view value = std::string_view(made).substr(begin);
    if (value.empty() || value.find_first_of(forbidden_) != value.npos) {
      return BadData("Row has no value for `", option_, "`, or one with any of `", forbidden_,
                     "`, column: ", rows.column_name(part.column));
    }
  }
  return made;
}

}  // namespace catchwater
