// Runs a fuzz target once on each file of its saved corpus, without libFuzzer: crashes that were
// found stay fixed, with any compiler. Usage: PROGRAM FOLDER...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count);

namespace {

std::vector<std::filesystem::path> Files(int folder_count, char** folders) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < folder_count; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folders[i], error)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const auto files = Files(argument_count - 1, arguments + 1);
  if (files.empty()) {
    std::fprintf(stderr, "replay: no corpus file in the folders given: it would prove nothing\n");
    return 1;
  }
  for (const auto& file : files) {
    std::ifstream input(file, std::ios::binary);
    // A copy of exactly its size, so that sanitizers see what reads beyond it.
    const std::vector<char> bytes{std::istreambuf_iterator<char>(input), {}};
    std::fprintf(stderr, "replay: %s\n", file.c_str());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::fprintf(stderr, "replay: %zu files\n", files.size());
  return 0;
}
