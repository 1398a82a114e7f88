# Before 1.0 a minor version may change the border; from then on a major one.
set(PACKAGE_VERSION "@VERSION@")
string(REGEX MATCH "^0\\.[0-9]+|^[1-9][0-9]*" _dmagent_border "${PACKAGE_VERSION}")
string(REGEX MATCH "^0\\.[0-9]+|^[1-9][0-9]*" _dmagent_wanted "${PACKAGE_FIND_VERSION}")

if(_dmagent_border STREQUAL _dmagent_wanted AND NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
    if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
        set(PACKAGE_VERSION_EXACT TRUE)
    endif()
else()
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
