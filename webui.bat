@echo off
rem Command 1 on Windows: webui.bat [flags]  makes .venv, installs what is missing, starts the web UI.
rem set PYTHON=C:\path\to\python.exe chooses the Python; docs\dependencies.md has the other variables.
setlocal
set "HERE=%~dp0"
set "VENV=%HERE%.venv"
if defined OVERPAINT_VENV set "VENV=%OVERPAINT_VENV%"

if defined PYTHON goto named
if not exist "%VENV%\installed.txt" goto search
if not exist "%VENV%\Scripts\python.exe" goto search
"%VENV%\Scripts\python.exe" "%HERE%bootstrap.py" %*
goto done

:search
for %%v in (3.13 3.12 3.11) do (
    py -%%v -c "" >nul 2>nul && set "VERSION=%%v" && goto launcher
)
python -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul && goto path
echo Overpaint cannot start: it needs Python 3.11, 3.12 or 3.13. Install one from python.org, or name one that is there: set PYTHON=C:\path\to\python.exe 1>&2
pause
exit /b 1

:named
"%PYTHON%" "%HERE%bootstrap.py" %*
goto done

:launcher
py -%VERSION% "%HERE%bootstrap.py" %*
goto done

:path
python "%HERE%bootstrap.py" %*

:done
set "STATUS=%ERRORLEVEL%"
if not "%STATUS%"=="0" pause
exit /b %STATUS%
