# Language, warnings, the compiler cache and the linker's habits. Optimisation and sanitizers belong
# to the presets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Objects of a library do not wait for the libraries it will be linked with.
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 has false alarms about std::variant and about appending to std::string, and warns of
  # designated initialisers that leave a default in place.
  add_compile_options(
    -Wno-maybe-uninitialized -Wno-restrict -Wno-missing-field-initializers
    -Wno-array-bounds -Wno-stringop-overflow)
  # What ccache needs to follow a precompiled header.
  add_compile_options(-fpch-preprocess -Winvalid-pch)
else()
  # For g++ this is no part of -Wconversion in C++: one meaning for both.
  add_compile_options(-Wno-sign-conversion)
endif()
add_link_options(-Wl,--as-needed)
include_directories("${CMAKE_SOURCE_DIR}/src")

option(CATCHWATER_FUZZ "Build the fuzz targets (*_fuzz.cc)" OFF)

find_program(CATCHWATER_CCACHE ccache)
if(CATCHWATER_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(cache_home "$ENV{XDG_CACHE_HOME}")
  else()
    set(cache_home "$ENV{HOME}/.cache")
  endif()
  # base_dir and hash_dir make two clones share what they compile, wherever they lie.
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/ccache.conf" @ONLY CONTENT "\
cache_dir = @cache_home@/catchwater/ccache
base_dir = @CMAKE_SOURCE_DIR@
hash_dir = false
max_size = 5G
sloppiness = pch_defines,time_macros,include_file_mtime,include_file_ctime
")
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env "CCACHE_CONFIGPATH=${CMAKE_BINARY_DIR}/ccache.conf" "${CATCHWATER_CCACHE}")
endif()

find_program(CATCHWATER_PYTHON NAMES python3.11 python3 REQUIRED)
enable_testing()
