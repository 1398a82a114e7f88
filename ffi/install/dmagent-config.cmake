# find_package(dmagent) gives the targets `dmagent::dmagent` (shared) and `dmagent::static`. Found from where this file
# lies, so an installed tree may be moved.
get_filename_component(_dmagent_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_package(Threads REQUIRED)

if(NOT TARGET dmagent::dmagent)
    add_library(dmagent::dmagent SHARED IMPORTED)
    set_target_properties(dmagent::dmagent PROPERTIES
        IMPORTED_LOCATION "${_dmagent_prefix}/lib/@SHARED@"
        IMPORTED_SONAME "@SONAME@"
        INTERFACE_INCLUDE_DIRECTORIES "${_dmagent_prefix}/include")
    add_library(dmagent::static STATIC IMPORTED)
    set_target_properties(dmagent::static PROPERTIES
        IMPORTED_LOCATION "${_dmagent_prefix}/lib/@STATIC@"
        INTERFACE_INCLUDE_DIRECTORIES "${_dmagent_prefix}/include"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;@SYSTEM_LIST@")
endif()

unset(_dmagent_prefix)
