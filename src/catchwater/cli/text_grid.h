/// \file
/// Cells of text in columns, for lists that people read. Plain ASCII, greppable: one row a line.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace catchwater {

/// A column that is empty in every row is left out.
class TextGrid {
 public:
  explicit TextGrid(std::vector<std::string> titles) { rows_.push_back(std::move(titles)); }

  /// \pre as many cells as titles
  void Add(std::vector<std::string> cells) {
    for (std::string& cell : cells) {
      std::replace_if(
          cell.begin(), cell.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    }
    rows_.push_back(std::move(cells));
  }

  std::string Draw() const {
    std::vector<size_t> widths(rows_.front().size(), 0);
    for (size_t row = 1; row < rows_.size(); ++row) {
      for (size_t i = 0; i < widths.size(); ++i) {
        widths[i] = std::max(widths[i], rows_[row][i].size());
      }
    }
    std::string text;
    for (const auto& cells : rows_) {
      std::string line;
      for (size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] == 0) continue;
        line += cells[i];
        const size_t width = std::max(widths[i], rows_.front()[i].size()) + 2;
        line.append(width - std::min(width, cells[i].size()), ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      if (!line.empty()) text += line + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;  // The first are the titles.
};

}  // namespace catchwater
