#include "catchwater/codec/csv/csv_codec.h"

#include <memory>

#include "catchwater/base/error.h"
#include "catchwater/codec/csv/csv_decoder_internal.h"
#include "catchwater/codec/csv/csv_dialect_internal.h"
#include "catchwater/codec/csv/csv_encoder_internal.h"
#include "catchwater/codec/csv/csv_field_finder_internal.h"
#include "catchwater/codec/csv/csv_framer_internal.h"

namespace catchwater {
namespace {

// Reads a setting that is one character or a word. Values are made of the refused characters.
arrow::Result<char> ParseCharacter(std::string_view setting, const std::string& text,
                                   std::string_view word, char meaning) {
  if (text == word) return meaning;
  const bool is_ascii = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80;
  constexpr std::string_view kRefused =
      "\n\r.+-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (!is_ascii || text[0] == '\0' || kRefused.find(text[0]) != std::string_view::npos) {
    return ConfigError("CSV ", setting, " must be one ASCII character that is no letter, digit, ",
                       "point, sign or line end", word.empty() ? "" : ", or the word ", word, ": ",
                       text);
  }
  return text[0];
}

arrow::Result<CsvDialect> MakeDialect(const CsvConfig& config) {
  CsvDialect dialect;
  ARROW_ASSIGN_OR_RAISE(dialect.delimiter,
                        ParseCharacter("delimiter", config.delimiter, "tab", '\t'));
  ARROW_ASSIGN_OR_RAISE(dialect.quote, ParseCharacter("quote", config.quote, "none", '\0'));
  ARROW_ASSIGN_OR_RAISE(dialect.comment, ParseCharacter("comment", config.comment, "", '\0'));
  if (dialect.delimiter == dialect.quote || dialect.delimiter == dialect.comment ||
      (dialect.has_comment() && dialect.comment == dialect.quote)) {
    return ConfigError("CSV delimiter, quote and comment must be different characters: ",
                       config.delimiter, " ", config.quote, " ", config.comment);
  }
  const bool trims_delimiter = dialect.delimiter == ' ' || dialect.delimiter == '\t';
  if (config.trim && trims_delimiter) {
    return ConfigError("CSV cannot trim blanks when the delimiter is one");
  }
  dialect.has_header = config.header;
  dialect.trims = config.trim;
  dialect.takes_missing_as_null = config.missing == CsvMissingFields::kFillNull;
  dialect.ignores_extra = config.extra == CsvExtraFields::kIgnore;
  dialect.skip_row_count = config.skip_rows;
  return dialect;
}

class CsvCodec final : public Codec, public FieldNamer {
 public:
  CsvCodec(const CsvDialect& dialect, std::vector<std::string> null_tokens)
      : dialect_(dialect), null_tokens_(std::move(null_tokens)) {}

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override {
    return std::make_unique<CsvFramer>(dialect_, options.columns, options.frame_bytes_max);
  }
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override {
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<Decoder> decoder,
                          CsvDecoder::Make(dialect_, null_tokens_, options));
    return decoder;
  }
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override {
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<Encoder> encoder,
                          CsvEncoder::Make(dialect_, NullTokens(null_tokens_), schema));
    return encoder;
  }
  arrow::Result<std::unique_ptr<FieldFinder>> MakeFieldFinder(
      const DecodeOptions& options) const override {
    if (!dialect_.has_header) return nullptr;
    return std::make_unique<CsvFieldFinder>(dialect_, null_tokens_, options);
  }

 private:
  const CsvDialect dialect_;
  const std::vector<std::string> null_tokens_;
};

}  // namespace

arrow::Status CsvConfig::Check() const { return MakeDialect(*this).status(); }

arrow::Status RegisterCsvCodec(Registry& registry) {
  return registry.AddCodec<CsvConfig>(
      {.name = "csv",
       .summary = "Comma-separated values (RFC 4180), with or without a header.",
       .details =
           "A record that cannot be read is a dead letter with its line: `csv.field_count` (too "
           "few or too many fields), `csv.quote` (a stray quote, or one that is never closed), "
           "`column.type` (not of the column's type), `column.required` (a null), "
           "`csv.frame_bytes` "
           "(longer than frame_bytes_max). Empty lines are no records. A byte order mark is "
           "left out; UTF-16 is refused. A quoted field may hold line ends. When a quote is never "
           "closed, its line is a dead letter and the lines behind it are read anew.\n\n"
           "Written files: texts are quoted only where they must be, numbers are the shortest "
           "that read back, times are ISO 8601 with Z, nulls are empty."},
      [](CsvConfig config) -> arrow::Result<std::unique_ptr<Codec>> {
        ARROW_ASSIGN_OR_RAISE(const CsvDialect dialect, MakeDialect(config));
        return std::make_unique<CsvCodec>(dialect, std::move(config.null_tokens));
      });
}

}  // namespace catchwater
