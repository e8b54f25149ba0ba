# Arrow and Parquet, from .deps/arrow (tools/setup takes the libraries and headers of the pyarrow
# wheel), else from the system. The wheel has: libarrow, libarrow_compute (nearly all kernels; call
# arrow::compute::Initialize() once), libarrow_acero, libarrow_dataset, libparquet, libarrow_s3; all
# built with the new C++11 ABI. OpenSSL, RE2 and simdjson are inside, hidden by tools/hide_symbols so
# that the system's versions can be used beside them. Flight, substrait and the Python bridges are
# left out. Of what is listed here only the libraries that are used are linked (--as-needed).
set(arrow_root "${CMAKE_SOURCE_DIR}/.deps/arrow")
add_library(catchwater_arrow INTERFACE)
if(EXISTS "${arrow_root}/lib/libarrow.so")
  target_include_directories(catchwater_arrow SYSTEM INTERFACE "${arrow_root}/include")
  target_link_libraries(catchwater_arrow INTERFACE
    "${arrow_root}/lib/libparquet.so" "${arrow_root}/lib/libarrow_compute.so"
    "${arrow_root}/lib/libarrow.so")
  # Relative for a tree that is moved, absolute for a build folder elsewhere. The libraries find each
  # other by their own $ORIGIN.
  file(RELATIVE_PATH arrow_from_build "${CMAKE_BINARY_DIR}" "${arrow_root}/lib")
  set(CMAKE_BUILD_RPATH "$ORIGIN/${arrow_from_build}" "${arrow_root}/lib")
  set(CATCHWATER_ARROW_S3 "${arrow_root}/lib/libarrow_s3.so")
else()
  find_package(Arrow QUIET)
  find_package(Parquet QUIET)
  if(NOT Arrow_FOUND OR NOT Parquet_FOUND)
    message(FATAL_ERROR "Arrow is not there. Run: tools/setup build")
  endif()
  target_link_libraries(catchwater_arrow INTERFACE Parquet::parquet_shared Arrow::arrow_shared)
  set(CATCHWATER_ARROW_S3 "")
endif()
