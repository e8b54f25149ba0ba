/// \file
/// Where a part of a text of the configuration stands in its file: for texts that have a grammar of
/// their own, as SQL has.
#pragma once

#include <cstddef>
#include <optional>

#include "catchwater/config/source_text.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {

/// The place of `length` bytes from `offset` on of the scalar's text. The offset may be the text's
/// end: the place is behind it. Quotes, blocks (`|`, `>`) and lines that YAML joins are followed.
/// \return nothing if it cannot be told: variables were put in, the text has escapes before it, or
/// it comes from no file
std::optional<Place> PlaceInScalar(const ConfigNode& scalar, size_t offset, size_t length);

}  // namespace catchwater
