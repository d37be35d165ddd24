//! The stand-in for Mautic 5.1.
